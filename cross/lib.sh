# What the commands of this folder share: the targets, and with what each is built and run. For bash, to be sourced in
# the root of the checkout. Everything that is made lies in the target folder.

targets=(aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf arm-unknown-linux-musleabihf)

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
made=$CARGO_TARGET_DIR/cross
mkdir -p "$made"

# The version that was tried; others may name or find things differently.
zig_version=0.16.0

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Installs those of the packages that are missing.
packages() {
  local package missing=()
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  say "packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Makes ready what links for the target, and says how cargo is to run what it builds. The processors are those of the
# oldest boards of each target.
tools() {
  packages gcc libc6-dev binutils qemu-user-static
  local shout=${1^^}
  shout=${shout//-/_}
  local linker runner
  case $1 in
    aarch64-unknown-linux-gnu)
      packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross
      linker=aarch64-linux-gnu-gcc
      runner="qemu-aarch64-static -cpu cortex-a53 -L /usr/aarch64-linux-gnu"
      ;;
    armv7-unknown-linux-gnueabihf)
      packages gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
      linker=arm-linux-gnueabihf-gcc
      runner="qemu-arm-static -cpu cortex-a7 -L /usr/arm-linux-gnueabihf"
      ;;
    arm-unknown-linux-musleabihf)
      zig
      linker=$PWD/cross/zig-linker
      runner="qemu-arm-static -cpu arm1176"
      # The C library is zig's: that of rustc's own start files is not there when the library is built from source.
      export "CARGO_TARGET_${shout}_RUSTFLAGS=-Clink-self-contained=no -Ctarget-feature=+crt-static"
      ;;
    *) fail "$1 is none of ${targets[*]}" ;;
  esac
  export "CARGO_TARGET_${shout}_LINKER=$linker" "CARGO_TARGET_${shout}_RUNNER=$runner"
}

# Debian's C library for 32-bit ARM is ARMv7 in its start files; zig carries a musl for any.
zig() {
  export ZIG=$made/zig/bin/python-zig
  export ZIG_GLOBAL_CACHE_DIR=$made/zig-cache ZIG_LOCAL_CACHE_DIR=$made/zig-cache
  [ -x "$ZIG" ] && return
  python3 -c 'import ensurepip' 2>/dev/null || packages python3 python3-venv
  say "zig $zig_version"
  python3 -m venv "$made/zig"
  "$made/zig/bin/pip" install --quiet --disable-pip-version-check "ziglang==$zig_version"
}

# Decides where the target's standard library comes from, the first that works of: built, from rustup; its source, from
# rustup; its source and a compiler, from Debian, unpacked beside the machine's own. Leaves in `library` what cargo has
# to be told. `CROSS_LIBRARY=source` or `=debian` leaves out what comes before.
library() {
  library=()
  local wanted=${CROSS_LIBRARY:-built}
  if [ "$wanted" = built ] && { has "$1/lib" || rustup target add "$1"; } > "$made/rustup.log" 2>&1; then
    return
  fi
  if [ "$wanted" = debian ] || ! { has src/rust/library || rustup component add rust-src; } >> "$made/rustup.log" 2>&1
  then
    debian_rust
  fi
  # The compiler takes what is unstable, as building the library is, from nightly toolchains or when it is told to.
  export RUSTC_BOOTSTRAP=1
  library=(-Zbuild-std=std,panic_abort,panic_unwind,test)
}

# Whether the compiler has this below its libraries.
has() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1" ]; }

# Debian's compiler for its browsers is a current one. It is not installed: it would displace the machine's.
debian_rust() {
  local root=$made/rust
  if [ ! -x "$root/usr/bin/rustc" ]; then
    apt-get update -qq
    local compiler llvm
    compiler=$(depends libstd-rust-web-dev libstd-rust-web-)
    llvm=$(depends "$compiler" libllvm)
    say "rustc from Debian: rustc-web, rust-web-src, libstd-rust-web-dev, $compiler, $llvm"
    rm -rf "$made/debs" "$root"
    mkdir -p "$made/debs"
    # Not as a user of apt's own, who may not write to a checkout.
    (cd "$made/debs" && apt-get download -qq -o APT::Sandbox::User=root \
      rustc-web rust-web-src libstd-rust-web-dev "$compiler" "$llvm")
    for package in "$made/debs"/*.deb; do dpkg-deb -x "$package" "$root.part"; done
    mv "$root.part" "$root"
    rm -r "$made/debs"
  fi
  export RUSTC=$root/usr/bin/rustc LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu
}

# The package that $1 depends on whose name begins with $2.
depends() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2[0-9.]*\)\$/\1/p" | head -1; }
