# The one Release build that the demo, the tests and the benchmark share; sourced with $root set.
#
#   build_release pgswitch     builds one target, build_release alone builds all, into $root/build

build_release() {
  local log="$root/build/build.log"
  mkdir -p "$root/build"
  echo "building into build/ (the first time takes some minutes on two cores)"
  cmake -S "$root" -B "$root/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPGSWITCH_WHOLE_PROGRAM=ON >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  if [ -t 1 ]; then
    cmake --build "$root/build" -j "$(nproc)" ${1:+--target "$1"}
  else
    cmake --build "$root/build" -j "$(nproc)" ${1:+--target "$1"} >>"$log" 2>&1 || { tail -n 80 "$log" >&2; return 1; }
  fi
}
