#!/bin/sh
# Relaymeter {VERSION} in one file: this head and, behind it, compressed, the runtime and the program. The first start unpacks
# them into a folder of the user's own; later ones find them there.
set -u
mask=$(umask)
umask 077

fail() {
  echo "relaymeter: $1" >&2
  exit 1
}

# A folder that nobody else can write to, or put something else in the place of.
own() {
  mkdir -p "$1" 2>/dev/null
  [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1" 2>/dev/null && [ -w "$1" ]
}

name=relaymeter-$(id -u)
folder=
for cache in "${CACHE_DIRECTORY:-}" "${XDG_CACHE_HOME:-}" "${HOME:+$HOME/.cache}" "${TMPDIR:-/tmp}"; do
  if [ -n "$cache" ] && own "$cache/$name"; then
    folder=$cache/$name
    break
  fi
done
[ -n "$folder" ] || fail "there is no folder to unpack into; set XDG_CACHE_HOME to one that this user can write to"

# unpack FILE OFFSET LENGTH SIZE: several first starts at once each unpack their own, and the last one's stays.
unpack() {
  if [ -f "$folder/$1" ] && [ "$(wc -c <"$folder/$1")" -eq "$4" ]; then return; fi
  command -v {DECOMPRESS} >/dev/null || fail "{DECOMPRESS} is needed to unpack, and is not installed"
  part=$folder/.$1.$$
  trap 'rm -f "$part"' EXIT
  trap 'exit 1' HUP INT TERM
  tail -c "+$2" "$0" | head -c "$3" | {DECOMPRESS} -dc >"$part" && [ "$(wc -c <"$part")" -eq "$4" ] ||
    fail "can't unpack into $folder; is the disk full, or the file not whole?"
  chmod 700 "$part" && mv -f "$part" "$folder/$1" || fail "can't unpack into $folder"
  trap - EXIT HUP INT TERM
}

unpack {RUNTIME}
unpack {PROGRAM}

DENO_DIR=${DENO_DIR:-$folder/deno} DENO_NO_UPDATE_CHECK=1
export DENO_DIR DENO_NO_UPDATE_CHECK
umask "$mask"
# It may start itself, for --processes.
exec "$folder/{RUNTIME_FILE}" run {HEAP} --no-prompt --no-config --no-lock --unstable-net --unstable-no-legacy-abort {PERMISSIONS} \
  --allow-run="$folder/{RUNTIME_FILE}" "$folder/{PROGRAM_FILE}" "$@"
