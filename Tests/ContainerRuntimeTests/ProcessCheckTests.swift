import Testing

@testable import ContainerRuntime

@Suite struct `Checks of the process` {
    static let table: [CheckRow] = [
        CheckRow(
            "process", nil,
            """
            config.json:1:1: process: is required and missing
            """),
        CheckRow(
            "process", #"{}"#,
            """
            config.json:3:12: process.cwd: is required and missing
            config.json:3:12: process.args: needs at least one entry, the program
            """),
        CheckRow(
            "process", #"[]"#,
            """
            config.json:3:12: process: an array is not an object
            """),
        CheckRow(
            "process", #"null"#,
            """
            config.json:1:1: process: is required and missing
            """),
        CheckRow(
            "process", #"{"cwd": "/"}"#,
            """
            config.json:3:12: process.args: needs at least one entry, the program
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": []}"#,
            """
            config.json:3:12: process.args: needs at least one entry, the program
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": [""]}"#,
            """
            config.json:3:34: process.args[0]: is empty; name a program
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": "sh"}"#,
            """
            config.json:3:33: process.args: "sh" is not an array
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh", 1, null]}"#,
            """
            config.json:3:40: process.args[1]: 1 is not a string
            config.json:3:43: process.args[2]: null is not a string
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["s\u0000h"]}"#,
            """
            config.json:3:34: process.args[0]: a string cannot contain a NUL byte \
            (\\u0000); remove it
            """),
        CheckRow(
            "process", #"{"cwd": "tmp", "args": ["sh"]}"#,
            """
            config.json:3:20: process.cwd: "tmp" is not an absolute path
            """),
        CheckRow(
            "process", #"{"pwd": "/", "args": ["sh"]}"#,
            """
            config.json:3:12: process.cwd: is required and missing; is "pwd" a \
            misspelling of it?
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "env": ["PATH", "=x", "A=", "B=1=2"]}"#,
            """
            config.json:3:49: process.env[0]: "PATH" is not of the form NAME=value
            config.json:3:57: process.env[1]: "=x" is not of the form NAME=value
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "user": {
             "uid": 4294967295, "gid": 4294967296,
             "additionalGids": [4294967295, -1, 1.5], "umask": 512}}
            """#,
            """
            config.json:4:9: process.user.uid: 4294967295 is not an id; the maximum is 4294967294
            config.json:4:28: process.user.gid: 4294967296 is not a whole number from 0 \
            to 4294967295
            config.json:5:21: process.user.additionalGids[0]: 4294967295 is not an id; the \
            maximum is 4294967294
            config.json:5:33: process.user.additionalGids[1]: -1 is not a whole number \
            from 0 to 4294967295
            config.json:5:37: process.user.additionalGids[2]: 1.5 is not a whole number \
            from 0 to 4294967295
            config.json:5:52: process.user.umask: 512 is not a umask; the maximum is 511 (octal \
            0777)
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "user": {"uid": 4294967294, "gid": 0, "umask": 511}}
            """#),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "rlimits": [
             {"type": "RLIMIT_NOFIL", "soft": 1, "hard": 1},
             {"type": "RLIMIT_CPU", "soft": 2, "hard": 1},
             {"type": "RLIMIT_CPU", "soft": 1, "hard": 1},
             {"soft": -1, "hard": 1e3}]}
            """#,
            """
            config.json:4:11: process.rlimits[0].type: "RLIMIT_NOFIL" is not a limit; did \
            you mean "RLIMIT_NOFILE"? allowed are RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, \
            RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, \
            RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, \
            RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME
            config.json:5:33: process.rlimits[1].soft: 2 exceeds the hard limit, 1
            config.json:6:11: process.rlimits[2].type: a second limit "RLIMIT_CPU"; remove one
            config.json:7:2: process.rlimits[3].type: is required and missing
            config.json:7:11: process.rlimits[3].soft: -1 is not a whole number from 0 to \
            18446744073709551615
            config.json:7:23: process.rlimits[3].hard: 1e3 is not a whole number from 0 \
            to 18446744073709551615
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "rlimits": [
             {"type": "RLIMIT_CPU", "soft": 0, "hard": 18446744073709551615}]}
            """#),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "oomScoreAdj": 1001}"#,
            """
            config.json:3:56: process.oomScoreAdj: 1001 is not from -1000 to 1000
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "oomScoreAdj": -1001}"#,
            """
            config.json:3:56: process.oomScoreAdj: -1001 is not from -1000 to 1000
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "oomScoreAdj": -1000}"#),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "oomScoreAdj": 9223372036854775808}"#,
            """
            config.json:3:56: process.oomScoreAdj: 9223372036854775808 is not a whole \
            number from -9223372036854775808 to 9223372036854775807
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "capabilities": {
             "bounding": ["CAP_FROB"], "effective": ["CAP_KILL"],
             "ambient": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]}}
            """#,
            """
            config.json:4:15: warning: process.capabilities.bounding[0]: "CAP_FROB" is not a \
            capability of this kernel; it is ignored
            config.json:4:42: warning: process.capabilities.effective[0]: CAP_KILL is effective \
            but not permitted, which the kernel does not grant; it is ignored; add it to \
            "permitted"
            config.json:5:14: warning: process.capabilities.ambient[0]: can't raise ambient \
            capability CAP_CHOWN: not both permitted and inheritable; ignored
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "capabilities": {
             "ambient": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_FOWNER"]}}
            """#,
            """
            config.json:4:14: warning: process.capabilities.ambient[0]: can't raise ambient \
            capability CAP_CHOWN, CAP_KILL, CAP_SETUID and 2 more: not both permitted and \
            inheritable; ignored
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "capabilities": {
             "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"],
             "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}}
            """#),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "terminal": true}"#,
            """
            config.json:3:53: process.terminal: a terminal needs a mount of type "devpts" on \
            /dev/pts; add it
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "terminal": false}"#),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "consoleSize": {"height": -1, "width": 65536}, "noNewPrivileges": 1}
            """#,
            """
            config.json:3:67: process.consoleSize.height: -1 is not a whole number from 0 \
            to 65535
            config.json:3:80: process.consoleSize.width: 65536 is not a whole number from \
            0 to 65535
            config.json:3:107: process.noNewPrivileges: 1 is not a boolean; write true or \
            false
            """),
        CheckRow(
            "process", #"{"cwd": "/", "args": ["sh"], "consoleSize": {"height": 0}}"#,
            """
            config.json:3:56: process.consoleSize.width: is required and missing
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "apparmorProfile": "x",
             "selinuxLabel": "", "scheduler": {"policy": "SCHED_OTHER"}}
            """#),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"],
             "scheduler": {"policy": "SCHED_FIFOS", "nice": 20, "priority": 100,
                           "flags": ["SCHED_FLAG_RECLAIMS"], "runtime": -1},
             "ioPriority": {"class": "BE", "priority": -1}}
            """#,
            """
            config.json:4:26: process.scheduler.policy: "SCHED_FIFOS" is not known; did you \
            mean "SCHED_FIFO"? allowed are SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, \
            SCHED_ISO, SCHED_IDLE, SCHED_DEADLINE
            config.json:5:26: process.scheduler.flags[0]: "SCHED_FLAG_RECLAIMS" is not known; \
            did you mean "SCHED_FLAG_RECLAIM"? allowed are SCHED_FLAG_RESET_ON_FORK, \
            SCHED_FLAG_RECLAIM, SCHED_FLAG_DL_OVERRUN, SCHED_FLAG_KEEP_POLICY, \
            SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_UTIL_CLAMP_MIN, SCHED_FLAG_UTIL_CLAMP_MAX
            config.json:5:61: process.scheduler.runtime: -1 is not a whole number from 0 to \
            18446744073709551615
            config.json:6:26: process.ioPriority.class: "BE" is not known; did you \
            mean "IOPRIO_CLASS_BE"? allowed are IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE
            """),
        CheckRow(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"],
             "scheduler": {"policy": "SCHED_FIFO", "nice": -21, "priority": -1},
             "ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 8}}
            """#,
            """
            config.json:4:48: process.scheduler.nice: -21 is not from -20 to 19
            config.json:4:65: process.scheduler.priority: -1 is not from 0 to 99
            config.json:5:57: process.ioPriority.priority: 8 is not from 0 to 7
            """),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
