#include "proxy/session/ledger.hpp"

#include <utility>

namespace pgswitch {

void Ledger::push(Expect expect, Reply reply, std::uint64_t statement) {
  entries_.push({expect, reply, false, 0, statement});
}

void Ledger::push(Expect expect, Reply reply, Note note) {
  entries_.push({expect, reply, true, 0, 0});
  notes_.push(std::move(note));
}

void Ledger::push_insert(std::string_view bytes) {
  entries_.push({Expect::insert, Reply::forward, false, static_cast<std::uint32_t>(bytes.size()), 0});
  inserts_ += bytes;
}

void Ledger::push_insert(std::string_view bytes, Note note) {
  entries_.push({Expect::insert, Reply::forward, true, static_cast<std::uint32_t>(bytes.size()), 0});
  notes_.push(std::move(note));
  inserts_ += bytes;
}

void Ledger::push_substitute(Expect expect, std::string_view error) {
  entries_.push({expect, Reply::substitute, false, static_cast<std::uint32_t>(error.size()), 0});
  inserts_ += error;
}

void Ledger::pop(Note* note) {
  if (note && head().has_note) {
    *note = std::move(notes_.front());
  }
  forget_front();
}

void Ledger::emit_inserts(Gather& to_client) {
  while (!empty() && (head().expect == Expect::insert || head().expect == Expect::copy_end)) {
    to_client.append(std::string_view(inserts_).substr(inserts_begin_, head().insert_size));
    forget_front();
  }
}

bool Ledger::begin_copy() {
  Ring<Entry> kept;
  bool waits = true;
  bool in_copy = true;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Expect expect = entries_[i].expect;
    if (i > 0 && in_copy) {
      if (expect == Expect::sync) continue;
      in_copy = expect == Expect::insert;
      if (expect == Expect::copy_end) {
        waits = false;
        continue;
      }
    }
    kept.push(entries_[i]);
  }
  entries_ = std::move(kept);
  return waits;
}

std::uint32_t Ledger::ready_expected() const {
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Expect expect = entries_[i].expect;
    count += expect == Expect::query || expect == Expect::function_call || expect == Expect::sync;
  }
  return count;
}

void Ledger::forget_front() {
  const Entry entry = entries_.pop();
  if (entry.has_note) notes_.pop();
  inserts_begin_ += entry.insert_size;
  if (inserts_begin_ == inserts_.size()) {
    inserts_.clear();
    inserts_begin_ = 0;
  }
}

void Ledger::shrink() {
  entries_.shrink();
  notes_.shrink();
  inserts_.shrink_to_fit();
}

}  // namespace pgswitch
