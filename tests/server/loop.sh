# Sourced by tests that need a file system of their own, after e2e/lib.sh: on a loop device, gone with the test.

# loop FS: mounts an empty FS in $work/FS, with a directory clusters; skips the test where it cannot.
loop() {
    command -v "mkfs.$1" >/dev/null || skip "there is no mkfs.$1"
    truncate -s 2G "$work/$1.image"
    mkdir "$work/$1"
    mkfs."$1" -q "$work/$1.image" >/dev/null 2>&1 && mount -o loop "$work/$1.image" "$work/$1" 2>/dev/null ||
        skip "$1 cannot be mounted on a loop device here"
    loops="${loops:-} $work/$1"
    trap 'status=$?; ours KILL; for at in $loops; do umount "$at" 2>/dev/null || umount -l "$at"; done; finish "$status"' EXIT
    chmod 755 "$work/$1"
    mkdir "$work/$1/clusters"
    chmod 1777 "$work/$1/clusters"
}
