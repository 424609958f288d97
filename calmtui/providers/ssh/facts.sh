# Everything about a host in one go. Read by calmtui from standard input into `sh -s`; writes nothing, needs no rights.
# Sections begin with the record separator (octal 036) and a name. Files are read by the shell itself: a look at a
# thousand hosts is not to start twenty processes on each.
LC_ALL=C; export LC_ALL
exec 2>/dev/null
section() { printf '\036%s\n' "$1"; }
show() { [ -r "$1" ] && while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"; }
section uname; uname -snrm
section shell; echo "$SHELL"; echo "${LOGNAME:-${USER:-$(id -un)}}"
section os; show /etc/os-release || show /usr/lib/os-release || { sw_vers -productName; sw_vers -productVersion; }
section online; show /sys/devices/system/cpu/online || { section cpus; getconf _NPROCESSORS_ONLN || nproc; }
section load; show /proc/loadavg || uptime
section memory; while read -r key value unit; do case $key in MemTotal:|MemAvailable:|MemFree:|SwapTotal:|SwapFree:) echo "$key $value";; *) ;; esac; done </proc/meminfo
section boot; grep '^btime ' /proc/stat || sysctl -n kern.boottime
section disk; df -P -k /
section addresses; hostname -I || { ip -o addr show scope global || ifconfig -a; } | sed -n 's/.*inet6* \(addr:\)*\([0-9a-fA-F.:]*\).*/\2/p'
section machine; show /etc/machine-id || show /var/lib/dbus/machine-id
section cloud; show /var/lib/cloud/data/instance-id
section board; show /sys/class/dmi/id/board_asset_tag
section systemd; state=$(systemctl is-system-running); echo "$state"
case $state in
''|offline|unknown) ;;
*) section units; systemctl show --no-pager -p Id,Description,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,ActiveEnterTimestampMonotonic,UnitFileState -- "$@" ;;
esac
section end
