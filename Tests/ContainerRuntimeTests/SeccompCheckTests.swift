import Testing

@testable import ContainerRuntime

@Suite struct `Checks of the seccomp profile` {
    static let table: [CheckRow] = [
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_NOTIFY", "defaultErrnoRet": 4095}}
            """#,
            """
            config.json:6:31: linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as \
            default action; list the system calls to notify about
            config.json:6:69: linux.seccomp.defaultErrnoRet: 4095 is not an errno; the maximum \
            is 4094
            config.json:6:69: linux.seccomp.defaultErrnoRet: SCMP_ACT_NOTIFY returns no errno; \
            remove it, or use SCMP_ACT_ERRNO
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
             {"names": ["mkdir", "write"], "action": "SCMP_ACT_NOTIFY"}]}}
            """#,
            """
            config.json:7:22: linux.seccomp.syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used \
            for the write syscall, which the init process needs to hand over the listener; \
            remove it
            config.json:7:42: linux.seccomp.syscalls[0].action: seccomp listenerPath is not set; \
            SCMP_ACT_NOTIFY needs the socket of a process that answers
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {}}
            """#,
            """
            config.json:6:13: linux.seccomp.defaultAction: is required and missing
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
             {"names": ["read"], "action": "SCMP_ACT_ALOW"},
             {"names": [], "action": "SCMP_ACT_ERRNO", "errnoRet": 5000},
             {"action": "SCMP_ACT_ALLOW"}]}}
            """#,
            """
            config.json:7:32: linux.seccomp.syscalls[0].action: "SCMP_ACT_ALOW" is not \
            known; did you mean "SCMP_ACT_ALLOW"? allowed are SCMP_ACT_KILL, \
            SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, \
            SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY
            config.json:8:2: linux.seccomp.syscalls[1].names: is empty; name at least one \
            system call
            config.json:8:56: linux.seccomp.syscalls[1].errnoRet: 5000 is not an errno; the \
            maximum is 4094
            config.json:9:2: linux.seccomp.syscalls[2].names: is required and missing
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
             {"names": ["read"], "action": "SCMP_ACT_TRAP", "args": [
             {"index": 6, "value": 0, "op": "SCMP_CMP_EQ"},
             {"index": 0},
             {"index": 0, "value": -1, "op": "=="}]}]}}
            """#,
            """
            config.json:8:12: linux.seccomp.syscalls[0].args[0].index: 6 is not an \
            argument's index; a system call has arguments 0 to 5
            config.json:9:2: linux.seccomp.syscalls[0].args[1].value: is required and \
            missing
            config.json:9:2: linux.seccomp.syscalls[0].args[1].op: is required and missing
            config.json:10:24: linux.seccomp.syscalls[0].args[2].value: -1 is not a whole \
            number from 0 to 18446744073709551615
            config.json:10:34: linux.seccomp.syscalls[0].args[2].op: "==" is not known; \
            allowed are SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, \
            SCMP_CMP_GT, SCMP_CMP_MASKED_EQ
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_ALLOW",
             "architectures": ["SCMP_ARCH_X86_46"], "flags": ["TSYNC"]}}
            """#,
            """
            config.json:7:20: linux.seccomp.architectures[0]: "SCMP_ARCH_X86_46" is not \
            known; did you mean "SCMP_ARCH_X86_64"? allowed are SCMP_ARCH_X86, \
            SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, \
            SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPSEL, \
            SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_PPC, SCMP_ARCH_PPC64, \
            SCMP_ARCH_PPC64LE, SCMP_ARCH_S390, SCMP_ARCH_S390X, SCMP_ARCH_PARISC, \
            SCMP_ARCH_PARISC64, SCMP_ARCH_RISCV64, SCMP_ARCH_LOONGARCH64, SCMP_ARCH_M68K, \
            SCMP_ARCH_SH, SCMP_ARCH_SHEB
            config.json:7:51: linux.seccomp.flags[0]: "TSYNC" is not known; did you \
            mean "SECCOMP_FILTER_FLAG_TSYNC"? allowed are SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, \
            SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4094, "syscalls": [
             {"names": ["read", "no_such_call"], "action": "SCMP_ACT_TRACE", "errnoRet": 0, "args": [
             {"index": 5, "value": 18446744073709551615, "op": "SCMP_CMP_NE"}]}]}}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "seccomp": {"defaultAction": "SCMP_ACT_LOG", "defaultErrnoRet": 1, "syscalls": [
             {"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 0},
             {"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}}
            """#,
            """
            config.json:6:66: linux.seccomp.defaultErrnoRet: SCMP_ACT_LOG returns no errno; \
            remove it, or use SCMP_ACT_ERRNO
            config.json:7:62: linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_ALLOW returns no \
            errno; remove it, or use SCMP_ACT_ERRNO
            """),
        CheckRow(
            "vfs", #"{"seccomp": "none.json"}"#,
            """
            config.json:6:20: vfs.seccomp: the seccomp profile cannot be read: open \
            "/bundle/none.json": no such file or directory
            """),
        CheckRow(
            "vfs", #"{"seccomp": "default"}"#),
        CheckRow(
            "vfs", #"{"seccomp": 1}"#,
            """
            config.json:6:20: vfs.seccomp: 1 is not a string
            """),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
