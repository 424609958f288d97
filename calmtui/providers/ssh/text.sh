# The text of one file on the host, packed or not, and how to tell it from others. Functions of follow.sh, which see;
# they know the file that is open as 4, unless they say otherwise.
COMPARED=64    # bytes sent again before each piece
PRINTED=1024   # bytes that a print is taken of
# Commands rather than functions, a word a line: called by $(), a function costs a process more, and there are many calls.
if stat -Lc %d / >/dev/null 2>&1; then
  stat_open='stat
-Lc
%d:%i %s %Y %y
/dev/stdin'
  stat_names='stat
-Lc
%d:%i %s %y
--'
else
  stat_open='stat
-f
%d:%i %z %m %Fm'
  stat_names='stat
-Lf
%d:%i %z %Fm
--'
fi
seeks=; tail --version >/dev/null 2>&1 && seeks=1 # busybox's tail reads its way to where it begins
EMPTY=0:4294967295

control() { printf '\036%s %s\n' "$N" "$1" || exit 0; }
look() { # of the file that is open as 4: sets id, size, mtime in seconds, and stamp, the same as finely as there is
  found=$($stat_open <&4) || return 1
  id=${found%% *} found=${found#* }
  size=${found%% *} found=${found#* }
  mtime=${found%% *} stamp=${found#* }
}
reader() { # reader FILE: sets cat to what prints its text, packed to 1 where that is not the file as it stands
  packed=1
  case $1 in
    *.gz) cat='gzip -dc' ;; *.bz2) cat='bzip2 -dc' ;; *.xz) cat='xz -dc' ;; *.zst) cat='zstd -dcq' ;;
    *) cat=cat packed= ;;
  esac
}
from() { # from BYTE: the text of the file that is open as 4, from there on
  if [ -n "$packed" ]; then eval "$cat" <&4 | tail -c "+$(($1 + 1))"
  elif [ -n "$seeks" ] || [ "$1" -lt 65536 ]; then tail -c "+$(($1 + 1))" <&4
  else dd bs=65536 skip="$(($1 / 65536))" <&4 | tail -c "+$(($1 % 65536 + 1))"; fi
}
send() { # send KIND INDEX ID FROM TO SIZE: a frame of the file that is open as 4
  [ "$5" -gt "$4" ] || return 0
  before=$COMPARED; [ "$4" -ge "$before" ] || before=$4
  control "$1 $2 $3 $4 $(($5 - $4)) $before $mtime $(($6 - $5))"
  if [ -n "$seeks" ] && [ -z "$packed" ]; then tail -q -c "+$(($4 - before + 1))" - /dev/zero 2>/dev/null <&4
  else { from "$(($4 - before))"; exec cat /dev/zero; } 2>/dev/null; fi | head -c "$(($5 - $4 + before))"
}
if command -v cksum >/dev/null; then
  digest() { found=$(cksum) && echo "${found#* }:${found%% *}"; } # prints LENGTH:SUM of its input
else
  digest() { hex=$(od -v -An -tx1 | tr -d ' \n'); found=$(printf %s "$hex" | md5sum) && echo "$((${#hex} / 2)):${found%% *}"; }
fi
print_of() { # print_of FILE LENGTH: sets print, of at most LENGTH first bytes of its text, print_id and print_size
  print=$EMPTY print_id= print_size=
  reader "$1"
  {
    [ "$2" = 0 ] || print=$(eval "$cat" <&4 | head -c "$2" | digest) || return 1
    found=$($stat_open <&4) || return 1
  } 2>/dev/null 4<"$1" || return 1
  case $print in 0:*) print=$EMPTY ;; esac
  print_id=${found%% *} print_size=${found#* }
  print_size=${print_size%% *}
}
prove() { # prove INDEX SIZE: the print of a file that has grown to SIZE; 1: the name is another file by now, 2: it was cut
  length=${print_known%%:*}
  [ "$length" -lt $PRINTED ] && [ "$2" -gt "$length" ] || return 0
  longer=$PRINTED; [ "$2" -ge "$longer" ] || longer=$2
  print_of "$file" "$longer" && [ "$print_id" = "$known" ] && [ "$print_size" -ge "$2" ] || return 1
  longer=$print # it may have been cut before: so the print that was known must still hold now
  print_of "$file" "$length" && [ "$print_id" = "$known" ] || return 1
  [ "$print" = "$print_known" ] || return 2
  print_known=$longer
  control "P $1 $known $longer"
}
