#include "scenarios.h"
#include "seen.h"

#include <string.h>

int main(int count, char **arguments) {
  routed = count > 1 && strcmp(arguments[1], "routed") == 0;
  statements();
  pipelines();
  copies();
  interruptions();
  finish_routed();
  return 0;
}
