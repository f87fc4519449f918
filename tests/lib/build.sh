# Builds into build/; sourced with $root set.
#
#   build_release pgswitch     one target of the Release build that the demo and the tests share; build_release alone: all of it
#   build_optimized            build/optimized/pgswitch, the program to install: see bench/optimize

build_release() {
  echo "building into build/ (the first time takes some minutes on two cores)"
  build_into "$root/build" "${1:-}" $(in_batches "$root/build")
}

# Built twice: one program notes what it does while bench/compare/train.py puts it to work, the other is optimized for that.
build_optimized() {
  local optimized="$root/build/optimized"
  echo "building into build/optimized (takes some minutes on two cores, every time)"
  build_into "$optimized/noting" pgswitch -DPGSWITCH_TESTS=OFF -DCMAKE_UNITY_BUILD=ON -DPGSWITCH_PROFILE=write -DPGSWITCH_PROFILE_FOLDER="$optimized/profile" || return 1
  PGSWITCH="$optimized/noting/pgswitch" /usr/bin/python3 "$root/bench/compare/train.py" "$optimized/profile" || return 1
  build_into "$optimized" pgswitch -DPGSWITCH_TESTS=OFF -DCMAKE_UNITY_BUILD=ON -DPGSWITCH_PROFILE=read -DPGSWITCH_PROFILE_FOLDER="$optimized/profile"
}

# The option that compiles the sources of a new folder in batches. `cmake -DCMAKE_UNITY_BUILD=OFF build` is for who works on them.
in_batches() {
  [ -f "$1/CMakeCache.txt" ] || echo -DCMAKE_UNITY_BUILD=ON
}

# build_into FOLDER TARGET [CMAKE OPTIONS]; an empty target is all of them.
build_into() {
  local folder="$1" target="$2" log="$1/build.log"
  shift 2
  mkdir -p "$folder"
  cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  if [ -t 1 ]; then
    cmake --build "$folder" -j "$(nproc)" ${target:+--target "$target"}
  else
    cmake --build "$folder" -j "$(nproc)" ${target:+--target "$target"} >>"$log" 2>&1 || { tail -n 80 "$log" >&2; return 1; }
  fi
}
