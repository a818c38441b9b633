#!/bin/sh
# Prints what a script sees of its container, and then deletes the root.
echo "my pid:      $$"
echo "my host:     $(hostname)"
echo "interfaces: $(awk -F: 'NR > 2 { printf "%s", $1 }' /proc/net/dev)"
echo "my root:     $(awk '$5 == "/" { print $9 " (" $10 ")" }' /proc/self/mountinfo)"
echo "mounts:      $(awk '{ printf "%s ", $5 }' /proc/self/mountinfo)"
echo "in /:       " /*
echo "rm -rf /bin /etc /usr /home ..."
# shellcheck disable=SC2114 # that is the point
rm -rf /bin /etc /usr /home /sbin /var /opt 2> /dev/null
echo "in / now:   " /*
