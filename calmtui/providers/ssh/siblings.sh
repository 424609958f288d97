# Where a file has gone that was rotated: what is left of it, and what came after it. Functions of follow.sh, which see.
TRIES=4        # times that a file is looked for before it is lost
MOVES=100      # times that names may change while one is looked for
STALE=40       # looks for late writers to a file that was rotated away
split() { # split FILE: sets stem and end, between which some rotations put the date
  stem=$1 end=
  case ${1##*/} in ?*.*) stem=${1%.*} end=.${1##*.} ;; esac
}
siblings() { # siblings FILE: the names that it may have been rotated to, oldest first
  split "$1"
  set +f
  for sibling in $(ls -trd -- "$1"[.-][0-9]* "$1".old* "$1".bak* "$stem"[.-][0-9][0-9][0-9][0-9]*"$end"* 2>/dev/null); do
    [ -f "$sibling" ] || continue
    case $sibling in
      *.gz | *.bz2 | *.xz | *.zst) plain=${sibling%.*}; [ ! -e "$plain" ] || continue ;; # still being written
      *) plain=$sibling ;;
    esac
    case $plain in *[0-9] | *.old | *.bak | *[0-9]"$end") printf '%s\n' "$sibling" ;; esac
  done
  set -f
}
ours() { # ours FILE ID: whether another of our files is this one, or was; an inode alone may be used anew
  other=1
  while [ $other -le $count ]; do
    eval "its=\$known_$other its_print=\$print_$other its_late=\$late_id_$other its_late_print=\$late_print_$other"
    other=$((other + 1))
    [ $other != $((current + 1)) ] || continue
    [ "$its" = "$2" ] && same "$1" "$its_print" && return 0
    [ "$its_late" = "$2" ] && same "$1" "$its_late_print" && return 0
  done
  return 1
}
same() { # same FILE PRINT: whether it begins so
  print_of "$1" "${2%%:*}" && [ "$print" = "$2" ]
}
seek() { # seek ID OFFSET PRINT: among the siblings of file, the one that holds what is after OFFSET, and the next one
  # Sets hit, next and their ids, as far as there are any; shorter: there is a copy that was made before OFFSET was read.
  moves=0
  while all=$(siblings "$file") && [ -n "$all" ] && [ $moves -lt $MOVES ]; do
    inodes=$(ls -id -- $all 2>/dev/null)
    among "$@"; status=$?
    [ "$(siblings "$file")" != "$all" ] || [ "$(ls -id -- $all 2>/dev/null)" != "$inodes" ] || return $status
    moves=$((moves + 1)) # what was found has another name by now
  done
  hit= next=
  return 1
}
among() { # among ID OFFSET PRINT: the same, among the names in all
  hit= next= shorter= length=${3%%:*}
  for sibling in $all; do # by its inode: renamed
    if [ -n "$hit" ]; then follows || continue; return 0; fi
    reader "$sibling"
    [ -z "$packed" ] || [ "$3" = - ] || continue
    { look && [ "$id" = "$1" ] && [ "$size" -ge "$2" ]; } 2>/dev/null 4<"$sibling" || continue
    [ "$3" = - ] || same "$sibling" "$3" || continue
    hit=$sibling hit_id=$id
  done
  [ -z "$hit" ] || return 0
  case $length in - | 0) return 1 ;; esac
  for sibling in $all; do # by its first bytes: copied or compressed
    if [ -n "$hit" ]; then follows || continue; return 0; fi
    same "$sibling" "$3" && ! ours "$sibling" "$print_id" || continue
    { text_size; } 2>/dev/null 4<"$sibling" || continue
    if [ "$size" -ge "$2" ]; then hit=$sibling hit_id=$id; else shorter=1; fi
  done
  [ -n "$hit" ]
}
seek_again() { # seek_again ID OFFSET PRINT: seek, while files may be on their way from one name to another
  tries=0
  until seek "$1" "$2" "$3"; do
    tries=$((tries + 1))
    [ -n "$all" ] && [ $tries -lt $TRIES ] || return 1
    sleep "$tick"
  done
}
follows() { # whether sibling ends the search for the next one to read, which it is
  # unless it is the live file, renamed since we opened it: what came after that has to wait for it
  { look && ! ours "$sibling" "$id"; } 2>/dev/null 4<"$sibling" || return
  [ "$id" != "$now" ] || return 0
  [ "$id" = "$late_id" ] && same "$sibling" "$late_print" && return 1
  next=$sibling next_id=$id
}
text_size() { # of the file that is open as 4, whose reader is set: look, with size in bytes of text
  look || return 1
  [ -z "$packed" ] || size=$(($(eval "$cat" <&4 | wc -c)))
}
rest() { # rest INDEX NAME WANT ID FROM: what is after FROM in a sibling, if its id is still WANT; as of ID (empty: its own)
  sent=
  reader "$2"
  if ! command -v "${cat%% *}" >/dev/null; then
    control "U $1 ${#2} ${cat%% *}"; printf %s "$2"
    sent=$3 size=0 print=-
    return
  fi
  {
    text_size && [ "$id" = "$3" ] || return
    text=$size
  } 2>/dev/null 4<"$2"
  {
    look && [ "$id" = "$3" ] || return
    size=$text sent=${4:-$id}
    if [ -z "$4" ]; then
      control "R $1 $sent $5"
      print_of "$2" $PRINTED; control "P $1 $sent $print"
    fi
    send D "$1" "$sent" "$5" "$size" "$size"
  } 2>/dev/null 4<"$2"
}
replay() { # replay INDEX: next, and all siblings after it; names may change while they are read
  tries=0
  while [ -n "$next" ]; do
    start_of "$next_id"
    rest "$1" "$next" "$next_id" "" "$start"
    if [ -n "$sent" ]; then last=$next last_id=$sent last_size=$size last_print=$print tries=0; else sleep "$tick"; fi
    until [ $tries -ge $TRIES ] || seek "$last_id" "$last_size" "$last_print"; do tries=$((tries + 1)); sleep "$tick"; done
    tries=$((tries + 1))
    if [ $tries -gt $TRIES ]; then control "L $1 $last_id $last_size"; return; fi
  done
}
recover() { # recover INDEX ID: what is left of the text read before, under the id that it has there now, as of known
  tries=0
  while [ $tries -lt $TRIES ]; do
    if seek "$2" "$offset" "$print_known"; then
      rest "$1" "$hit" "$hit_id" "$known" "$offset"
      if [ -n "$sent" ]; then last=$hit last_size=$size; replay "$1"; return 0; fi
    fi
    [ -n "$all" ] || return 1
    tries=$((tries + 1)); sleep "$tick" # it may be on its way from one name to another
  done
  return 1
}
after() { # after TIME: sets next to the first sibling that was written to since then, and is not read yet
  next=
  for sibling in $(siblings "$file"); do
    { look && [ "$mtime" -ge "$1" ]; } 2>/dev/null 4<"$sibling" && follows && break
  done
  [ -n "$next" ]
}
catch_up() { # catch_up INDEX: the name is another file now; what is left of the one before, and what came in between
  last= last_id=$known last_size=$offset last_print=$print_known
  if [ "$offset" = 0 ] && [ -n "$late_id" ] && seek_again "$late_id" "$late_offset" "$late_print"; then
    # Nothing of it was read: it came after the one before it. Its inode alone, which may be used anew, would not tell.
    last_id=$late_id last_size=$late_offset last_print=$late_print
  elif recover "$1" "$known"; then return
  else
    control "L $1 $known $offset"
    after "$((mtime_known + 1))"
  fi
  replay "$1"
}
cut() { # cut INDEX: the file begins anew; what is left of its text before is in a copy
  last= last_id=$known last_size=$offset last_print=$print_known
  if recover "$1" -; then control "T $1 $known 1"
  elif [ -n "$shorter" ]; then control "T $1 $known 2"
  elif after "$((mtime_known + 1))"; then control "L $1 $known $offset"; replay "$1"; control "R $1 $known"
  else control "T $1 $known 0"; fi
  late_id=$last_id late_name= late_offset=$last_size late_print=$last_print stale=0
  offset=0 print_known=$EMPTY
}
cut_again() { # cut_again INDEX: a file that was cut, and not read since, may have been copied and cut once more
  seek "$late_id" "$late_offset" "$late_print" && [ -n "$next" ] || return
  last= last_id=$late_id last_size=$late_offset last_print=$late_print
  replay "$1"
  [ -z "$last" ] || { late_id=$last_id late_offset=$last_size late_print=$last_print; control "T $1 $known 1"; }
}
straggle() { # straggle INDEX: what a late writer still adds to the file that was rotated away
  stale=$((stale - 1)) want=$late_id
  { look && [ "$id" = "$late_id" ]; } 2>/dev/null 4<"$late_name" || {
    if seek "$late_id" "$late_offset" "$late_print"; then late_name=$hit want=$hit_id; else stale=0; fi
    reader "$late_name"
    size=$((late_offset + 1))
    [ -z "$packed" ] || stale=0
  }
  if [ -n "$late_name" ] && [ "$size" -gt "$late_offset" ]; then
    rest "$1" "$late_name" "$want" "$late_id" "$late_offset"
    [ -z "$sent" ] || late_offset=$size
  fi
  [ "$stale" -gt 0 ] || control "O $1"
}
