#include "proxy/parser_stack.hpp"

#include <pthread.h>

#include <system_error>

namespace pgswitch {
namespace {

struct Task {
  std::function<int()> body;
  int result = 0;
};

void* run(void* task) {
  static_cast<Task*>(task)->result = static_cast<Task*>(task)->body();
  return nullptr;
}

}  // namespace

int on_parser_stack(std::function<int()> body) {
  Task task{std::move(body)};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, parser_stack_size);
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, &run, &task);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
  pthread_join(thread, nullptr);
  return task.result;
}

}  // namespace pgswitch
