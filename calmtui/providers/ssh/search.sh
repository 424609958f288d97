# Searches log files for calmtui: sh -c SCRIPT search NONCE SECONDS GREP RG PATTERN...
# GREP and RG are one expression in the spelling of the two programs, the former for `printf %b`. PATTERN are shell
# patterns of files. First every file is listed, with those that it may have been rotated to; then commands are read, one a
# line, each once the last is done:
#   probe INDEX BLOCK...                            a piece of 4096 bytes from each of these blocks of 4096 bytes
#   find INDEX OFFSET LENGTH LINES BYTES CONTEXT    matching lines in LENGTH bytes from OFFSET on
#   count INDEX OFFSET LENGTH                       only how many match there, and some of them to tell the time by
# LENGTH 0 means to the end. Of a compressed file, offsets are those of its content. When standard input ends, whoever asked
# is gone: everything that still runs is killed, as it is after SECONDS.
#
# Output is records: a line `\036NONCE KIND ARGUMENTS`, then anything, up to a line end and the next record.
#   F INDEX PARENT READABLE ID SIZE MTIME   a file, and its name; PARENT is 0, or the file that it may be rotated from
#   L ENGINE EXACT    the list is complete; ENGINE is rg or grep, EXACT 1 when places are bytes
#   P INDEX BLOCK     a piece of a file
#   G INDEX           lines `PLACE:match` and `PLACE-context`; PLACE counts bytes (or lines, from 1) from OFFSET on
#   C INDEX           lines `NUMBER PLACE:line`: so many matches, of which this is the first
#   W INDEX           what the programs complained of
#   E INDEX           the command is done
N=$1 seconds=$2 grep_expression=$(printf %b "$3") rg_expression=$4; shift 4
LC_ALL=C; export LC_ALL
low=
nice -n 19 true 2>/dev/null && low="nice -n 19"
ionice -c3 true 2>/dev/null && low="$low ionice -c3"
engine=grep place=-n exact=0
if rg --version >/dev/null 2>&1; then engine=rg exact=1
elif [ "$(echo x | grep -abe x 2>/dev/null)" = 0:x ]; then place=-b exact=1; fi

record() { printf '\n\036%s %s\n' "$N" "$1"; }
identity() { stat -Lc '%d:%i %s %Y' -- "$1" 2>/dev/null || stat -Lf '%d:%i %z %m' -- "$1" 2>/dev/null; }
add() { # add PARENT FILE
  [ -f "$2" ] && found=$(identity "$2") || return 0
  readable=1; [ -r "$2" ] || readable=0
  files=$((files + 1)); eval "file_$files=\$2 id_$files=${found%% *}"
  record "F $files $1 $readable $found"; printf %s "$2"
}
family() { # family FILE: the file, and what it may have been rotated to
  add 0 "$1"; parent=$files
  for sibling in "$1"[-._][0-9]* "$1".gz "$1".xz "$1".bz2 "$1".zst "$1".old*; do add "$parent" "$sibling"; done
  case ${1##*/} in
    ?*.*) for sibling in "${1%.*}"[-._][0-9]*."${1##*.}"*; do add "$parent" "$sibling"; done ;;
  esac
}
find_again() { # find_again INDEX: sets file to what the file is called now: it may be rotated while we search
  eval "file=\$file_$1 id=\$id_$1"
  for name in "$file" "$file".* "$file"-*; do
    found=$(identity "$name") && [ "${found%% *}" = "$id" ] && { file=$name; return; }
  done
}
unpacker() { # unpacker: sets unpack to the program that reads $file; empty for a plain file
  case $file in
    *.gz | *.Z) unpack="gzip -dc" ;; *.xz) unpack="xz -dc" ;; *.bz2) unpack="bzip2 -dc" ;; *.zst) unpack="zstd -dcq" ;;
    *) unpack= ;;
  esac
}
part() { # part OFFSET LENGTH: that part of the file's content
  if [ -n "$unpack" ]; then $low $unpack <"$file" | cut_out "$1" "$2"
  else $low dd if="$file" bs=65536 skip=$(($1 / 65536)) 2>/dev/null | cut_out $(($1 % 65536)) "$2"; fi
}
cut_out() { # cut_out OFFSET LENGTH: that part of standard input
  case "$1 $2" in
    "0 0") exec cat ;;
    *" 0") exec tail -c "+$(($1 + 1))" ;;
    "0 "*) exec head -c "$2" ;;
    *) tail -c "+$(($1 + 1))" | head -c "$2" ;;
  esac
}
matches() { # matches OPTIONS...: matching lines of standard input
  if [ $engine = rg ]; then
    $low rg --no-config --text --encoding none --byte-offset --no-line-number --no-heading --no-filename --color never \
      --threads 1 "$@" -e "$rg_expression" -
  else $low grep -a $place -E "$@" -e "$grep_expression"; fi
}
search() { # search OFFSET LENGTH OPTIONS...: matching lines of that part of the file
  part="$1 $2"
  if [ -z "$unpack" ] && [ "$part" = "0 0" ]; then shift 2; matches "$@" <"$file"
  else shift 2; part $part | matches "$@"; fi
}
# One line for each match at first, then for every 2, 4, 8…: few lines, however many matches.
summary='{ number++; if (number == 1) first = substr($0, 1, 400)
  if (number >= every) { print number " " first; number = 0; if (++printed >= 500) { every *= 2; printed = 0 } } }
  END { if (number) print number " " first }'
carry_out() { # carry_out COMMAND INDEX ARGUMENTS...
  command=$1 index=$2; shift 2
  find_again "$index"; unpacker
  case $command in
    probe)
      for block; do record "P $index $block"; dd if="$file" bs=4096 skip="$block" count=1 2>/dev/null; done ;;
    find) record "G $index"; search "$1" "$2" -m "$3" -C "$5" | head -c "$4" ;;
    count) record "C $index"; search "$1" "$2" | awk -v every=1 "$summary" ;;
  esac
}

files=0
for pattern do IFS=; set +f; for file in $pattern; do unset IFS; family "$file"; IFS=; done; unset IFS; done
record "L $engine $exact"
record "E 0"
(sleep "$seconds"; kill -s TERM -- -$$) >/dev/null 2>&1 &
while read -r line; do
  { { complaints=$(carry_out $line 2>&1 >&3 | head -c 500); } 3>&1; record "W 0"; printf %s "$complaints"; record "E 0"; } &
done
trap : TERM
kill -s TERM -- -$$
