# Follows files for calmtui: NONCE TICK TAIL SINCE FOLLOW FRESH STARTS PATTERNS PATTERN... [FILE POSITION LATE]...
#   TICK      seconds between two looks; what came meanwhile goes out in one piece
#   TAIL      begin with so many of the last lines, `-`: with all. SINCE: with every sibling written to since then (epoch)
#   FOLLOW    1 or 0. FRESH: 1 where nothing has been read yet; 0: files that are found beside those named are new
#   STARTS    `ID OFFSET`, a line each: of files written to since SINCE, where the lines from then on begin
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
N=$1 tick=$2 tail=$3 since=$4 follow=$5 begin=$6 starts=$7 patterns=$8; shift 8
LC_ALL=C; export LC_ALL
IFS='
'
set -f
STRIDE=4194304 # bytes of one file at a time, so that none keeps the others waiting
MUCH=16384     # bytes at one look after which the next one waits for SLOWLY seconds: nobody reads that line by line
SLOWLY=0.5
live() { # live INDEX: the file that the name stands for, open as 4
  look || return 1
  now=$id now_size=$size now_mtime=$mtime now_stamp=$stamp
  if [ "$known" = - ]; then
    start_of "$now"; [ "$start" -le "$now_size" ] || start=0
    known=$now offset=$start print_known=$EMPTY; control "R $1 $now $start"
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
start_of() { # start_of ID: sets start to the byte from which on a file is asked for
  start=0
  for pair in $starts; do case $pair in "$1 "*) start=${pair#* } ;; esac; done
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
  [ $looks != 0 ] || { begin= starts=; control "S 0"; }
  [ "$follow" = 1 ] || { control "E 0"; exit 0; }
  looks=$((looks + 1))
  sleep "$pause"
done
