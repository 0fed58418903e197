"""Numbers of system calls, `name x86-64 arm64`, by what a filter does with them."""

from __future__ import annotations

import platform
import struct

# Programs, processes, the network.
_STARTING = """
    fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, socket 41 198,
    socketpair 53 199, connect 42 203, bind 49 200, sendto 44 206, sendmsg 46 211,
    sendmmsg 307 269
"""
# Other processes: their memory, their time, what they share, their signals.
_REACHING = """
    ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271,
    process_madvise 440 440, process_mrelease 448 448, kcmp 312 272, tkill 200 130,
    rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, pidfd_open 434 434,
    pidfd_send_signal 424 424, pidfd_getfd 438 438, setpriority 141 140,
    ioprio_set 251 30, sched_setparam 142 118, sched_setscheduler 144 119,
    sched_setattr 314 274, migrate_pages 256 238, move_pages 279 239, shmget 29 194,
    shmat 30 196, shmctl 31 195, msgget 68 186, msgsnd 69 189, msgrcv 70 188,
    msgctl 71 187, semget 64 190, semop 65 193, semtimedop 220 192, semctl 66 191,
    mq_open 240 180, mq_unlink 241 181, flock 73 32
"""
# Files, without opening them for writing.
_CHANGING = """
    creat 85 -, truncate 76 45, mkdir 83 -, mkdirat 258 34, rmdir 84 -, mknod 133 -,
    mknodat 259 33, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36,
    unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276,
    chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -,
    fchown 93 55, lchown 94 -, fchownat 260 54, utime 132 -, utimes 235 -,
    futimesat 261 -, utimensat 280 88, setxattr 188 5, lsetxattr 189 6,
    fsetxattr 190 7, setxattrat 463 463, removexattr 197 14, lremovexattr 198 15,
    fremovexattr 199 16, removexattrat 466 466, file_setattr 469 469
"""
# The machine, and kernel code that holes are found in.
_RULING = """
    unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, move_mount 429 429,
    open_tree 428 428, open_tree_attr 467 467, fsopen 430 430, fsconfig 431 431,
    fsmount 432 432, fspick 433 433, mount_setattr 442 442, pivot_root 155 41,
    chroot 161 51, swapon 167 224, swapoff 168 225, acct 163 89, quotactl 179 60,
    quotactl_fd 443 443, reboot 169 142, sethostname 170 161, setdomainname 171 162,
    settimeofday 164 170, clock_settime 227 112, adjtimex 159 171,
    clock_adjtime 305 266, syslog 103 116, init_module 175 105, finit_module 313 273,
    delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294, bpf 321 280,
    userfaultfd 323 282, perf_event_open 298 241, keyctl 250 219, add_key 248 217,
    request_key 249 218, name_to_handle_at 303 264, open_by_handle_at 304 265,
    fanotify_init 300 262, vhangup 153 58, iopl 172 -, ioperm 173 -,
    modify_ldt 154 -
"""
# Whoever is told that these are unknown takes clone, openat, or plain reads: which a
# filter can look into, and these it cannot.
_UNSEEN = """
    clone3 435 435, io_uring_setup 425 425, io_uring_enter 426 426,
    io_uring_register 427 427, openat2 437 437
"""
# What their arguments say decides.
_JUDGED = """
    clone 56 220, open 2 -, openat 257 56, kill 62 129, tgkill 234 131,
    prlimit64 302 261, sched_setaffinity 203 122, prctl 157 167, fcntl 72 25,
    ioctl 16 29
"""

_ARCHITECTURES = {"x86_64": (1, 0xC000003E), "aarch64": (2, 0xC00000B7)}


def check_processor() -> None:
    """OSError where the numbers here are not those of this process."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES or struct.calcsize("P") != 8:
        raise OSError(f"{machine} is not known here")


def architecture() -> int:
    """How the kernel names what a call was made by."""
    return _ARCHITECTURES[platform.machine()][1]


def refused() -> list[int]:
    tables = ",".join((_STARTING, _REACHING, _CHANGING, _RULING))
    return [*_numbers(tables).values()]


def unseen() -> list[int]:
    return [*_numbers(_UNSEEN).values()]


def judged() -> dict[str, int]:
    return _numbers(_JUDGED)


def _numbers(table: str) -> dict[str, int]:
    column = _ARCHITECTURES[platform.machine()][0]
    rows = [row.split() for row in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
