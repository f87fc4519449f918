# Installs the Debian 12 packages that a script needs; sourced by tests/run, conf/demo/run, bench/compare/run and .ci/run.
#
#   . tests/lib/packages.sh
#   install_packages $BUILD_PACKAGES $POSTGRES_PACKAGES
#
# Only what is missing is installed, and apt-get is not called at all when nothing is. Uses sudo for an ordinary user.

BUILD_PACKAGES="g++ cmake ninja-build ccache libboost1.81-dev libssl-dev libspdlog-dev liblua5.4-dev libpg-query-dev libprotobuf-c-dev libre2-dev
  nlohmann-json3-dev libcurl4-openssl-dev zlib1g-dev libldap2-dev libpam0g-dev postgresql-server-dev-15 libgtest-dev"
POSTGRES_PACKAGES="python3 openssl postgresql-15 postgresql-client-15"
TEST_PACKAGES="libnss-wrapper libpam-wrapper slapd pgbouncer faketime python3-pytest python3-pytest-timeout python3-psycopg python3-psycopg2 python3-asyncpg python3-sqlalchemy libpq-dev
  libpostgresql-jdbc-java libdbd-pg-perl ruby-pg php-cli php-pgsql odbc-postgresql unixodbc unixodbc-dev
  golang-go golang-github-jackc-pgx-v4-dev golang-github-lib-pq-dev
  prometheus-pgbouncer-exporter curl pgloader"
BENCH_PACKAGES="pgbouncer haproxy pgpool2 libbenchmark-dev valgrind strace linux-perf"
# What installing and operating, and the tests of them, ask.
BUILD_PACKAGES="$BUILD_PACKAGES libsystemd-dev"
TEST_PACKAGES="$TEST_PACKAGES systemd adduser dpkg-dev file man-db groff-base"
FUZZ_PACKAGES="clang-14 libclang-rt-14-dev"

is_installed() {
  [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = "install ok installed" ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "not root and no sudo; please run as root: $*" >&2
    return 1
  fi
}

install_packages() {
  local missing="" package
  for package in "$@"; do
    is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "installing:$missing"
  as_root apt-get update -qq || return 1
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# A command that may come from elsewhere than Debian (node, javac): install `package` only when it is not there.
install_command() {
  local command="$1" package="$2"
  command -v "$command" >/dev/null || install_packages "$package"
}
