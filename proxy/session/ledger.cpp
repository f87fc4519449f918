#include "proxy/session/ledger.hpp"

#include <utility>

#include "proxy/redshift/session.hpp"

namespace pgswitch {

namespace {

struct AboutName {
  explicit AboutName(std::string_view text) : name(text.substr(0, longest_name)) {}
  bool operator()(const Note& note) const { return (note.all_previous && !name.empty()) || (note.names_client_statement && note.client_name == name); }
  std::string_view name;
};

struct AboutKey {
  bool operator()(const Note& note) const { return note.key == key; }
  const PreparedKey& key;
};

bool ends_with_ready(Expect expect) { return expect == Expect::query || expect == Expect::function_call || expect == Expect::sync; }

/// The text that is sent, before it was spelled for Redshift.
const std::string& unspelled(const PreparedStatement& prepared) { return prepared.sent ? prepared.sent->unspelled : prepared.sent_text; }

}  // namespace

void note_text(const PreparedStatement& prepared, std::string_view text, Note& note) {
  const bool declares = prepared.skipped > 0;
  note.sent = prepared.sent;
  note.no_positions = prepared.sent && prepared.sent->is_translated;
  note.rewritten = !note.no_positions && (declares ? prepared.item().decision->rewritten.has_value() : unspelled(prepared) != text);
  if (!note.rewritten) note.position_shift = static_cast<std::int32_t>(prepared.skipped);
}

void Ledger::push(Expect expect, Reply reply) {
  entries_.push({.expect = expect, .reply = reply});
  ready_expected_ += ends_with_ready(expect);
  if (expect == Expect::sync) doubtful_ = notes_.size();
}

void Ledger::push(Expect expect, Reply reply, Note&& note) {
  entries_.push({.expect = expect, .reply = reply, .has_note = true});
  ready_expected_ += ends_with_ready(expect);
  notes_.push(std::move(note));
}

void Ledger::push(Expect expect, Reply reply, const PreparedStatement& statement, Note&& note) {
  entries_.push({.expect = expect, .reply = reply, .has_note = true, .statement = static_cast<std::uint32_t>(statement.key.low), .serial = statement.serial});
  notes_.push(std::move(note));
}

void Ledger::push_insert(std::string_view bytes) {
  entries_.push({.insert_size = static_cast<std::uint32_t>(bytes.size())});
  inserts_ += bytes;
}

void Ledger::push_insert(std::string_view bytes, Note&& note) {
  entries_.push({.has_note = true, .insert_size = static_cast<std::uint32_t>(bytes.size())});
  notes_.push(std::move(note));
  inserts_ += bytes;
}

void Ledger::push_substitute(Expect expect, std::string_view error) {
  entries_.push({.expect = expect, .reply = Reply::substitute, .insert_size = static_cast<std::uint32_t>(error.size())});
  ready_expected_ += ends_with_ready(expect);
  inserts_ += error;
}

void Ledger::push_substitute(Expect expect, std::string_view error, const PreparedStatement& statement) {
  push_substitute(expect, error);
  entries_.back().statement = static_cast<std::uint32_t>(statement.key.low);
  entries_.back().serial = statement.serial;
}

void Ledger::emit_inserts(Gather& to_client) {
  while (has_insert_at_head()) {
    to_client.append(std::string_view(inserts_).substr(inserts_begin_, head().insert_size));
    pop();
  }
}

bool Ledger::begin_copy() {
  Ring<Entry> kept;
  bool waits = true;
  bool in_copy = true;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Expect expect = entries_[i].expect;
    if (i > 0 && in_copy) {
      if (expect == Expect::sync) {
        --ready_expected_;
        continue;
      }
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

bool Ledger::changes_server() const {
  for (std::size_t i = 0; i < notes_.size(); ++i)
    if (notes_[i].script || notes_[i].statement || notes_[i].key != PreparedKey{}) return true;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].expect == Expect::parse && !entries_[i].has_note) return true;  // if it fails
  return false;
}

void Ledger::pop() {
  const Entry& entry = entries_.front();
  ready_expected_ -= ends_with_ready(entry.expect);
  if (entry.has_note) {
    notes_.pop();
    doubtful_ -= doubtful_ > 0;
  }
  if (entry.insert_size > 0) {
    inserts_begin_ += entry.insert_size;
    if (inserts_begin_ == inserts_.size()) {
      inserts_.clear();
      inserts_begin_ = 0;
    }
  }
  entries_.pop();
}

/// The newest of the notes that `about` picks; notes_.size() when there is none.
template <class About>
std::size_t Ledger::newest(About about) const {
  for (std::size_t i = notes_.size(); i-- > 0;)
    if (about(notes_[i])) return i;
  return notes_.size();
}

bool Ledger::doubts_name(std::string_view name) const { return doubtful_ > 0 && newest(AboutName{name}) < doubtful_; }

bool Ledger::doubts_portal(std::string_view name) const {
  const std::size_t made = newest([&](const Note& note) { return note.portal && note.portal->name == name; });
  if (made < notes_.size()) return made < doubtful_;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].in_transaction) return true;
  return false;
}

PortalChange* Ledger::oldest_change(std::string_view portal) const {
  for (std::size_t i = 0; i < notes_.size(); ++i)
    if (notes_[i].portal && !notes_[i].portal->all && notes_[i].portal->name == portal) return notes_[i].portal.get();
  return nullptr;
}

bool Ledger::doubts_key(const PreparedKey& key) const { return doubtful_ > 0 && newest(AboutKey{key}) < doubtful_; }

bool Ledger::server_tells(std::string_view name, const PreparedKey& key) const {
  const AboutName about{name};
  const std::size_t made = newest(about);
  if (made == notes_.size() || made != newest(AboutKey{key}) || notes_[made].closes) return false;
  // Should the Parse fail, or be skipped, the name must not mean what it did before.
  for (std::size_t i = 0; i < made; ++i)
    if (about(notes_[i])) return false;
  return true;
}

std::string_view Ledger::former_name(std::uint32_t serial) const {
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    if (notes_[i].previous && notes_[i].previous->serial == serial) return notes_[i].client_name;
    if (!notes_[i].all_previous) continue;
    for (const auto& [name, prepared] : *notes_[i].all_previous)
      if (prepared->serial == serial) return name;
  }
  return {};
}

void Ledger::forget_unnamed() {
  for (std::size_t i = 0; i < notes_.size(); ++i)
    if (notes_[i].names_client_statement && notes_[i].client_name.empty()) notes_[i].previous.reset();
  for (std::size_t i = 0; i < notes_.size(); ++i) notes_[i].replaced = {};
}

void Ledger::lose_unnamed(PreparedStatementPtr& named, PreparedKey& there) {
  Note* const own = head().has_note ? &notes_.front() : nullptr;
  if (own && !own->unnamed) return;
  PreparedStatementPtr* before = &named;
  PreparedKey* replaced = &there;
  for (std::size_t i = notes_.size(); i-- > 0;) {
    if (notes_[i].names_client_statement && notes_[i].client_name.empty()) before = &notes_[i].previous;
    if (notes_[i].unnamed) replaced = &notes_[i].replaced;
  }
  *replaced = {};
  if (!own || own->names_client_statement) before->reset();
}

Note* Ledger::next_about(std::string_view name, std::size_t from) {
  for (std::size_t i = from; i < notes_.size(); ++i)
    if (notes_[i].names_client_statement && notes_[i].client_name == name) return &notes_[i];
  return nullptr;
}

/// Where a change of the same portal's name stays, behind `from`, what was before the dropped one was before that: it is not for the session
/// to take back then.
void Ledger::hand_on(std::shared_ptr<PortalChange>& dropped, std::size_t from) {
  if (!dropped || dropped->all) return;
  for (std::size_t i = from; i < notes_.size(); ++i) {
    PortalChange* const next = notes_[i].portal.get();
    if (!next || next->transaction != dropped->transaction || (!next->all && next->name != dropped->name)) continue;
    if (!next->all)
      next->before = dropped->before;
    else if (dropped->before)
      (*next->all)[dropped->name] = dropped->before;
    else
      next->all->erase(dropped->name);
    return dropped.reset();
  }
}

/// The same of the server's unnamed statement, which a Parse behind `from` has made another one.
void Ledger::hand_on_unnamed(Note& dropped, std::size_t from) {
  for (std::size_t i = from; i < notes_.size() && dropped.unnamed; ++i) {
    if (!notes_[i].unnamed) continue;
    notes_[i].replaced = dropped.replaced;
    dropped.key = {};
    return;
  }
}

}  // namespace pgswitch
