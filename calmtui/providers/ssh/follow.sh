# Follows files for calmtui: sh -c SCRIPT follow NONCE TICK TAIL FOLLOW [FILE ID OFFSET]...
# ID is device:inode of a file read before, OFFSET the byte after the last one taken; ID `-`: begin with the last TAIL
# lines (`-`: all of them). FOLLOW is 1 or 0. TICK is seconds between two looks; what came meanwhile goes out in one piece.
#
# Output is frames: a line `\036NONCE KIND INDEX ARGUMENTS`, INDEX counting the files from 1.
#   D INDEX ID OFFSET LENGTH   LENGTH bytes of that file follow, as they stand from OFFSET on
#   B INDEX ID OFFSET LENGTH   the same, of the beginning: whoever asked for TAIL lines takes the last of them
#   R INDEX ID                 the name is another file now (rotated), which is read from its beginning
#   T INDEX ID                 the file was cut (copytruncate), and is read from its beginning
#   L INDEX ID OFFSET          what stood after OFFSET of the old file cannot be found: lines may be lost
#   N INDEX                    there is no such file, or it may not be read; it is waited for
#   E 0                        the end, of a reader that does not follow
N=$1 tick=$2 tail=$3 follow=$4; shift 4
LC_ALL=C; export LC_ALL
IFS='
'
set -f
exec 3<&0 </dev/null
(read -r _ <&3; kill $$) >/dev/null 2>&1 & watchdog=$!   # standard input ends: whoever reads us is gone
trap 'kill $watchdog 2>/dev/null' EXIT
trap 'exit 0' TERM HUP PIPE

control() { printf '\036%s %s\n' "$N" "$1" || exit 0; }
look() { # look FILE: sets id and size, both empty when it cannot be read
  id= size=
  [ -r "$1" ] && [ ! -d "$1" ] || return
  found=$(stat -Lc '%d:%i %s' -- "$1" 2>/dev/null || stat -Lf '%d:%i %z' -- "$1" 2>/dev/null) || return
  id=${found% *} size=${found#* }
}
send() { # send KIND INDEX FILE ID FROM TO: always TO-FROM bytes; should the file shrink meanwhile, zeros fill it up
  [ "$6" -gt "$5" ] || return
  control "$1 $2 $4 $5 $(($6 - $5))"
  { tail -c "+$(($5 + 1))" -- "$3"; cat /dev/zero; } 2>/dev/null | head -c "$(($6 - $5))"
}
siblings() { # siblings FILE: the names that it may have been rotated to, oldest first
  set +f; ls -trd -- "$1".* "$1"-* 2>/dev/null; set -f
}
catch_up() { # catch_up INDEX FILE ID OFFSET: the rest of the file that ID was, and every newer sibling
  hit= was=$3 from=$4
  for sibling in $(siblings "$2"); do
    look "$sibling"
    if [ -n "$hit" ]; then
      case $sibling in *.gz | *.xz | *.zst | *.bz2) control "L $1 $id 0"; continue ;; esac
      control "R $1 $id"; send D "$1" "$sibling" "$id" 0 "$size"
    elif [ "$id" = "$was" ]; then
      hit=1; [ "$size" -lt "$from" ] || send D "$1" "$sibling" "$id" "$from" "$size"
      old=$sibling old_id=$id old_offset=$size
    fi
  done
  [ -n "$hit" ] || control "L $1 $was $from"
}
begin() { # begin INDEX FILE: the last lines of a file that is new to us
  look "$2"
  if [ -z "$id" ]; then control "N $1"; offset=0; return; fi
  offset=$size
  if [ "$tail" = - ]; then offset=0
  elif [ "$tail" -gt 0 ]; then
    length=$(tail -n "$tail" -- "$2" 2>/dev/null | wc -c); length=$((length + 0))
    [ "$length" -gt "$size" ] && offset=0 || offset=$((size - length))
    # One byte more tells whether a line begins here: the file may have grown between the two looks.
    [ "$offset" -gt 0 ] && offset=$((offset - 1))
  fi
  send B "$1" "$2" "$id" "$offset" "$size"; offset=$size
}
straggle() { # straggle INDEX: what a late writer still adds to the file that was rotated away
  keep=$id keep_size=$size
  look "$old"
  if [ "$id" = "$old_id" ] && [ "$size" -gt "$old_offset" ]; then
    send D "$1" "$old" "$id" "$old_offset" "$size"; old_offset=$size
  fi
  id=$keep size=$keep_size
}
step() { # step INDEX: one look at one file
  eval "file=\$file_$1 known=\$id_$1 offset=\$offset_$1 wait=\$wait_$1 old=\$old_$1 old_id=\$old_id_$1 old_offset=\$old_offset_$1 stale=\$stale_$1"
  look "$file"
  if [ -n "$old" ] && [ "$stale" -gt 0 ]; then straggle "$1"; stale=$((stale - 1)); fi
  if [ -z "$id" ]; then :
  elif [ "$known" = - ]; then known=$id offset=0; control "R $1 $id"
  elif [ "$id" != "$known" ]; then
    # Rotated. Writers may hold the old file for a moment: two more looks before the new one is read.
    if [ "$wait" -lt 2 ] && [ "$follow" = 1 ]; then wait=$((wait + 1)) id=
    else catch_up "$1" "$file" "$known" "$offset"; look "$file"; known=$id offset=0 wait=0 stale=40; control "R $1 $id"; fi
  elif [ "$size" -lt "$offset" ]; then control "T $1 $id"; offset=0; fi
  if [ -n "$id" ] && [ "$size" -gt "$offset" ]; then send D "$1" "$file" "$id" "$offset" "$size"; offset=$size; fi
  eval "id_$1=\$known offset_$1=\$offset wait_$1=\$wait old_$1=\$old old_id_$1=\$old_id old_offset_$1=\$old_offset stale_$1=\$stale"
}

count=0
while [ $# -gt 0 ]; do
  count=$((count + 1)); file=$1 known=$2 offset=$3; shift 3
  if [ "$known" = - ]; then begin $count "$file"; known=${id:--}; fi
  eval "file_$count=\$file id_$count=\$known offset_$count=\$offset wait_$count=0 old_$count= old_id_$count= old_offset_$count=0 stale_$count=0"
done
while :; do
  index=1; while [ $index -le $count ]; do step $index; index=$((index + 1)); done
  [ "$follow" = 1 ] || { control "E 0"; exit 0; }
  sleep "$tick"
done
