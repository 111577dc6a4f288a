# SPDX-License-Identifier: Apache-2.0
# Sourced by ./up and ./check: Debian 12 packages, and how to get those that are missing.
run_packages="gcc libc6-dev cmake ninja-build pkg-config lua5.4 liblua5.4-dev libuv1-dev libnanomsg-dev libproj-dev libgeos-dev libsqlite3-dev libwebsockets-dev libwebsockets-evlib-uv libsodium-dev libjansson-dev libssl-dev ca-certificates"
web_packages="nodejs npm"
test_packages="libcmocka-dev clang clang-format clang-tidy cppcheck libclang-rt-14-dev chromium fonts-noto-cjk openssl python3 sqlite3 procps"

# Node from anywhere will do; Debian's is asked for only when there is none.
need_web() {
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || echo "$web_packages"
}

install_missing() {
    missing=""
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    line="apt-get update && apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" = 0 ]; then
        echo "==> installing:$missing"
        (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing) >/tmp/tocsin-apt.log 2>&1 || {
            tail -20 /tmp/tocsin-apt.log
            echo "安装软件包失败 / installing packages failed; the whole log: /tmp/tocsin-apt.log" >&2
            exit 1
        }
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo sh -c "$line"
    else
        echo "请以 root 身份运行 / please run as root, then start again:" >&2
        echo "    $line" >&2
        exit 1
    fi
}

# The console's files; one build for both commands.
build_console() {
    [ -f clients/console/package.json ] || return 0
    (cd clients/console && { [ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; } && npm run --silent build)
}
