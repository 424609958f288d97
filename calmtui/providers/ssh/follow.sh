# Follows files for calmtui: NONCE TICK TAIL SINCE FOLLOW FRESH PATTERNS PATTERN... [FILE POSITION LATE]...
#   TICK      seconds between two looks; what came meanwhile goes out in one piece
#   TAIL      begin with so many of the last lines, `-`: with all. SINCE: with every sibling written to since then (epoch)
#   FOLLOW    1 or 0. FRESH: 1 where nothing has been read yet; 0: files that are found beside those named are new
#   PATTERNS  how many patterns come; files that match one later join by themselves
#   POSITION  `ID OFFSET PRINT MTIME`: how far FILE was read, `-`: not begun, `=`: its text is read under another name.
#   LATE      the same of the file that FILE was before, which somebody may still write to; or `-`
# ID is device:inode, PRINT is LENGTH:SUM of the first bytes: it finds copies and compressed ones again,
# and tells when an inode is used anew. Needs a POSIX shell, stat of GNU, busybox or BSD, tail, head, od; cksum or md5sum.
#
# Output is frames: a line `\036NONCE KIND INDEX ARGUMENTS`, INDEX counting the files from 1.
#   F INDEX LENGTH HOW          a file joins; its name of LENGTH bytes follows. HOW: - = as in POSITION, + new
#   D INDEX ID OFFSET LENGTH BEFORE MTIME BEHIND   BEFORE bytes up to OFFSET (sent before, to compare), then LENGTH
#                               bytes from OFFSET on. Always all of them: should the file shrink, zeros fill it up
#   B ...                       the same, of the beginning: whoever asked for TAIL lines takes the last of them
#   P INDEX ID PRINT            the first bytes of the file
#   R INDEX ID [OFFSET]         what follows is another file (rotated), read from its beginning or from OFFSET on
#   T INDEX ID FOUND            the file was cut (copytruncate); FOUND 1: and read to the end of its copy, 2: after it
#                               was copied, 0: there is no copy
#   O INDEX                     nobody writes to the file before this one any more
#   L INDEX ID OFFSET           what stood after OFFSET of that file cannot be found
#   U INDEX LENGTH TOOL         a sibling cannot be read, for want of TOOL; its name of LENGTH bytes follows
#   N INDEX WHY                 there is no such file (missing), or it is none to follow (directory, special, denied)
#   S 0                         every file has been begun
#   E 0                         the end, of a reader that does not follow
N=$1 tick=$2 tail=$3 since=$4 follow=$5 begin=$6 patterns=$7; shift 7
LC_ALL=C; export LC_ALL
IFS='
'
set -f
STRIDE=4194304 # bytes of one file at a time, so that none keeps the others waiting
MUCH=16384     # bytes at one look after which the next one waits for SLOWLY seconds: nobody reads that line by line
SLOWLY=0.5
COMPARED=64    # bytes sent again before each piece
PRINTED=1024   # bytes that a print is taken of
TRIES=4        # times that a file is looked for before it is lost
STALE=40       # looks for late writers to a file that was rotated away
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
  hit= next= shorter= all=$(siblings "$file") length=${3%%:*}
  for sibling in $all; do # by its inode: renamed
    if [ -n "$hit" ]; then follows || continue; return; fi
    reader "$sibling"
    [ -z "$packed" ] || [ "$3" = - ] || continue
    { look && [ "$id" = "$1" ] && [ "$size" -ge "$2" ]; } 2>/dev/null 4<"$sibling" || continue
    [ "$3" = - ] || same "$sibling" "$3" || continue
    hit=$sibling hit_id=$id
  done
  [ -z "$hit" ] || return 0
  case $length in - | 0) return 1 ;; esac
  for sibling in $all; do # by its first bytes: copied or compressed
    if [ -n "$hit" ]; then follows || continue; return; fi
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
follows() { # whether sibling is the next one to read: not the live file, renamed since we opened it, nor one that was read
  { look && [ "$id" != "$now" ] && ! ours "$sibling" "$id"; } 2>/dev/null 4<"$sibling" || return
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
    text_size || return
    text=$size
  } 2>/dev/null 4<"$2"
  {
    look && [ "$id" = "$3" ] || return
    size=$text sent=${4:-$id}
    if [ -z "$4" ]; then
      control "R $1 $sent"
      print_of "$2" $PRINTED; control "P $1 $sent $print"
    fi
    send D "$1" "$sent" "$5" "$size" "$size"
  } 2>/dev/null 4<"$2"
}
replay() { # replay INDEX: next, and all siblings after it; names may change while they are read
  tries=0
  while [ -n "$next" ]; do
    rest "$1" "$next" "$next_id" "" 0
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
    { look && [ "$mtime" -ge "$1" ]; } 2>/dev/null 4<"$sibling" && follows && return
  done
  return 1
}
catch_up() { # catch_up INDEX: the name is another file now; what is left of the one before, and what came in between
  last= last_id=$known last_size=$offset last_print=$print_known
  recover "$1" "$known" && return
  if [ "$offset" = 0 ] && [ -n "$late_id" ] && seek_again "$late_id" "$late_offset" "$late_print"; then
    # nothing of it was read: it is among those that came after the one before it
    last_id=$late_id last_size=$late_offset last_print=$late_print
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
live() { # live INDEX: the file that the name stands for, open as 4
  look || return 1
  now=$id now_size=$size now_mtime=$mtime now_stamp=$stamp
  if [ "$known" = - ]; then known=$now offset=0 print_known=$EMPTY; control "R $1 $now"
  elif [ "$now" != "$known" ]; then
    [ "$stale" = 0 ] || control "O $1"
    catch_up "$1"
    control "R $1 $now"
    late_id=$last_id late_name=$last late_offset=$last_size late_print=$last_print stale=0
    case $last in *.gz | *.bz2 | *.xz | *.zst | '') ;; *) stale=$STALE ;; esac
    [ $stale != 0 ] || control "O $1"
    known=$now offset=0 print_known=$EMPTY
  elif [ "$now_size" -lt "$offset" ]; then cut "$1"
  elif [ -n "$unproved" ] || { [ "$now_size" = "$offset" ] && [ "$now_stamp" != "$stamp_known" ]; }; then
    # Written to and no longer: it may have been cut, and have grown to just the same size.
    print_of "$file" "${print_known%%:*}" && [ "$print_id" = "$known" ] || return 1
    [ "$print" = "$print_known" ] || cut "$1"
  fi
  unproved=
  if [ "$offset" = 0 ] && [ -n "$late_id" ] && [ "$now_size" -gt 0 ]; then cut_again "$1"; fi
  [ "$stale" = 0 ] || straggle "$1"
  prove "$1" "$now_size" || { # read at the next look, when it can be told from others
    [ $? = 1 ] || cut "$1"
    busy=1
    return 0
  }
  packed= cat=cat mtime=$now_mtime to=$now_size
  if [ "$((to - offset))" -gt $STRIDE ]; then to=$((offset + STRIDE)) more=1; fi
  send D "$1" "$known" "$offset" "$to" "$now_size"
  [ "$((to - offset))" -lt $MUCH ] || pause=$SLOWLY
  [ "$to" = "$offset" ] || busy=1 # what grows is likely to go on: the next look goes straight at it
  offset=$to mtime_known=$now_mtime stamp_known=$now_stamp
}
absent() { # absent INDEX: the name stands for no file that can be read
  [ "$stale" = 0 ] || straggle "$1"
  gone=$((gone + 1))
  [ -z "$begin" ] || gone=8
  [ "$follow" = 1 ] || gone=8
  [ "$gone" -ge 8 ] || { busy=1; return; } # it may just be rotated
  [ "$gone" = 8 ] || return 0
  why=missing
  if [ -d "$file" ]; then why=directory; elif [ -f "$file" ]; then why=denied; elif [ -e "$file" ]; then why=special; fi
  control "N $1 $why"
}
begin() { # begin INDEX: the last lines of a file that is new to us, or all that was written to it since SINCE
  if [ "$since" != - ]; then
    if { look && [ "$mtime" -lt "$since" ]; } 2>/dev/null 4<"$file"; then
      known=$id offset=$size mtime_known=$mtime; control "R $1 $id $size"; return
    fi
    last= last_id= last_size=0 last_print=$EMPTY
    after "$since"
    replay "$1"
    known=- # the file itself comes as the last of them
    return
  fi
  { look || return; first "$1"; } 2>/dev/null 4<"$file"
}
first() { # first INDEX: the beginning of the file that is open as 4
  known=$id mtime_known=$mtime
  if [ "$tail" = - ]; then control "R $1 $id"; return; fi
  offset=$size start=$size
  if [ "$tail" -gt 0 ]; then
    length=$(($(tail -n "$tail" -- "$file" 2>/dev/null | wc -c)))
    # One byte more tells whether a line begins here: the file may have grown between the two looks.
    start=$((size - length - 1)); [ "$start" -ge 0 ] || start=0
  fi
  control "R $1 $id $start"
  prove "$1" "$size" || return 0
  packed= cat=cat
  send B "$1" "$id" "$start" "$offset" "$offset"
}
step() { # step INDEX: one look at one file
  eval "file=\$file_$1 known=\$known_$1 offset=\$offset_$1 print_known=\$print_$1 mtime_known=\$mtime_$1
    late_id=\$late_id_$1 late_name=\$late_name_$1 late_offset=\$late_offset_$1 late_print=\$late_print_$1
    stale=\$stale_$1 gone=\$gone_$1 unproved=\$unproved_$1 fresh=\$fresh_$1 stamp_known=\$stamp_$1"
  [ "$known" != = ] || return
  current=$1 now=
  if [ -n "$begin" ] && [ -n "$fresh" ] && [ -f "$file" ]; then begin "$1"; fresh=; fi
  if [ -f "$file" ] && { live "$1"; } 2>/dev/null 4<"$file"; then
    gone=0 read_so_far="$read_so_far$known $offset $stamp_known
"
  else absent "$1"; fi
  [ "$stale" = 0 ] || busy=1
  eval "known_$1=\$known offset_$1=\$offset print_$1=\$print_known mtime_$1=\$mtime_known
    late_id_$1=\$late_id late_name_$1=\$late_name late_offset_$1=\$late_offset late_print_$1=\$late_print
    stale_$1=\$stale gone_$1=\$gone unproved_$1=\$unproved fresh_$1=\$fresh stamp_$1=\$stamp_known"
}
join() { # join FILE POSITION LATE FRESH: one more file
  count=$((count + 1))
  IFS=' '
  set -- "$1" "$4" $2 $3
  IFS='
'
  eval "file_$count=\$1 fresh_$count=\$2 gone_$count=0 stale_$count=0 late_id_$count= late_name_$count= \
    late_offset_$count=0 late_print_$count=\$EMPTY offset_$count=0 print_$count=\$EMPTY mtime_$count=0 \
    known_$count=\$3 unproved_$count= stamp_$count="
  case $3 in
    -) return ;;
    =) eval "file_$count= name_$count=\$1"; return ;;
  esac
  eval "offset_$count=\$4 print_$count=\$5 mtime_$count=\$6 unproved_$count=1 fresh_$count="
  [ "$7" = - ] || eval "late_id_$count=\$7 late_offset_$count=\$8 late_print_$count=\$9 stale_$count=\$STALE"
  [ "$7" != "$3" ] || eval "stale_$count=0" # it was copied and cut: nobody writes to a copy
}
known_name() { # known_name FILE: whether it is followed already, or holds what another one was before
  other=1
  while [ $other -le $count ]; do
    eval "followed=\${file_$other:-\$name_$other}"
    split "$followed"
    case $1 in
      "$followed" | "$followed"[.-][0-9]* | "$followed".old* | "$followed".bak* | \
        "$stem"[.-][0-9][0-9][0-9][0-9]*"$end"*) return 0 ;;
    esac
    other=$((other + 1))
  done
  case $1 in *.gz | *.bz2 | *.xz | *.zst) return 0 ;; esac
  return 1
}
expand() { # the files that match the patterns now; those that are new join
  pattern=1
  while [ $pattern -le $patterns ]; do
    eval "glob=\$pattern_$pattern"
    set +f; set -- $glob; set -f
    for name do
      [ -f "$name" ] && ! known_name "$name" || continue
      how=-
      if { look && ours "$name" "$id"; } 2>/dev/null 4<"$name"; then how='='; fi
      join "$name" "$how" - "$begin"
      control "F $count ${#name} $how"; printf %s "$name"
    done
    pattern=$((pattern + 1))
  done
}

[ "$begin" = 1 ] || begin=
current=0 number=0 count=0 looks=0 read_so_far= busy=1
while [ $number -lt "$patterns" ]; do
  number=$((number + 1)); eval "pattern_$number=\$1"; shift
done
while [ $# -gt 0 ]; do
  join "$1" "$2" "$3" "$begin"; shift 3
done
while :; do
  [ "$patterns" = 0 ] || [ "$((looks % 8))" != 0 ] || expand
  while [ $# -lt $count ]; do eval "followed=\$file_$(($# + 1))"; set -- "$@" "$followed"; done
  more= pause=$tick
  if [ -n "$busy" ] || [ "$($stat_names "$@" 2>/dev/null)
" != "$read_so_far" ]; then
    read_so_far= busy= index=1
    while [ $index -le $count ]; do step $index; index=$((index + 1)); done
  fi
  current=0
  [ -z "$more" ] || { busy=1; continue; }
  [ $looks != 0 ] || { begin=; control "S 0"; }
  [ "$follow" = 1 ] || { control "E 0"; exit 0; }
  looks=$((looks + 1))
  sleep "$pause"
done
