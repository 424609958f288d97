# Takes in a file or a folder: sh -c SCRIPT calmtui KIND TARGET SIZE SHA256 MODE NAME <DATA
# KIND is `file`, or `tar` for a folder NAME packed as such. A TARGET that is a folder gets it as NAME within.
# What arrives stands beside the target until it is whole; then it takes its place at once.
kind=$1 target=$2 size=$3 sha=$4 mode=$5 name=$6
[ ! -d "$target" ] || target=${target%/}/$name
case $target in */*) folder=${target%/*} ;; *) folder=. ;; esac
work=$(umask 077; mktemp -d "${folder:-/}/.calmtui-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
head -c "$size" >"$work/data" || exit 1
sum=$(sha256sum <"$work/data" 2>/dev/null || shasum -a 256 <"$work/data") || exit 1
[ "${sum%% *}" = "$sha" ] || { echo "what arrived is not what was sent: nothing was changed" >&2; exit 1; }
new=$work/data
if [ "$kind" = tar ]; then
  mkdir "$work/new" && tar -xpf "$work/data" -C "$work/new" || exit 1
  new=$work/new/$name
else
  chmod "$mode" "$new" || exit 1
fi
if [ -d "$target" ]; then mv "$target" "$work/old" || exit 1; fi
mv -f "$new" "$target" || { [ ! -e "$work/old" ] || mv "$work/old" "$target"; exit 1; }
