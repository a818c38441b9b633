import JSON
import LinuxSystem
import Testing

@testable import ContainerRuntime

/// What `vfs-run lint` advises: each rule speaks where it should, and is silent otherwise.
struct `Advice on a config` {
    /// A config that no rule has anything to say about.
    private static let good: [(key: String, value: String)] = [
        ("ociVersion", #""1.3.0""#),
        (
            "process",
            #"{"cwd": "/", "args": ["sh"], "noNewPrivileges": true, "user": {"uid": 1000, "gid": 1000}}"#
        ),
        ("root", #"{"path": "rootfs"}"#),
        ("mounts", "[]"),
        ("vfs", #"{"seccomp": "default"}"#),
        ("linux", linux()),
    ]

    private static let kinds = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"]

    private static func linux(
        without kind: String = "", _ extra: String = "",
        resources: String = #"{"memory": {"limit": 67108864}, "pids": {"limit": 64}}"#
    ) -> String {
        let list = kinds.filter { $0 != kind }.map { "{\"type\": \"\($0)\"}" }
        return "{\"namespaces\": [\(list.joined(separator: ", "))], \"resources\": \(resources)"
            + "\(extra.isEmpty ? "" : ", " + extra)}"
    }

    private static func process(_ extra: String, _ uid: Int = 1000, _ privileges: String = "true")
        -> String
    {
        "{\"cwd\": \"/\", \"args\": [\"sh\"], \"noNewPrivileges\": \(privileges),"
            + " \"user\": {\"uid\": \(uid), \"gid\": 0}\(extra.isEmpty ? "" : ", " + extra)}"
    }

    private static func bind(_ source: String, _ options: String) -> String {
        "[{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"\(source)\","
            + " \"options\": [\(options)]}]"
    }

    /// The names of the rules that speak, each with its message.
    private func spoken(_ changes: [(String, String?)]) throws -> [(rule: String, text: String)] {
        var members = Self.good
        for (key, value) in changes {
            members.removeAll { $0.key == key }
            if let value { members.append((key, value)) }
        }
        let text =
            "{\n" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",\n") + "}"
        let document = try JSONDocument(Array(text.utf8))
        return Advice.findings(document, file: "config.json").map {
            ($0.rule, $0.diagnostic.text)
        }
    }

    @Test func `is silent about a config that is as it should be`() throws {
        #expect(try spoken([]).map(\.text) == [])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var key: String
        var value: String?
        var words: String
        var testDescription: String { "\(rule): \(value ?? "nothing")" }
    }

    static let rows: [Row] = [
        Row(
            rule: "capability", key: "process",
            value: process(#""capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_KILL"]}"#),
            words: "process.capabilities.bounding[0]: CAP_SYS_ADMIN allows"),
        Row(
            rule: "inheritable", key: "process",
            value: process(#""capabilities": {"inheritable": ["CAP_KILL"]}"#),
            words: "CVE-2022-29162"),
        Row(
            rule: "new-privileges", key: "process", value: process("", 1000, "false"),
            words: "process.noNewPrivileges: set-user-ID programs"),
        Row(
            rule: "apparmor-unconfined", key: "process",
            value: process(#""apparmorProfile": "unconfined""#), words: "disables AppArmor"),
        Row(
            rule: "secret-in-env", key: "process", value: process(#""env": ["DB_PASSWORD=x"]"#),
            words: "DB_PASSWORD looks like a secret"),
        Row(
            rule: "no-term", key: "process", value: process(#""terminal": true"#),
            words: "TERM=xterm"),
        Row(
            rule: "host-network", key: "linux", value: linux(without: "network"),
            words: "linux.namespaces: the container uses the network of the host"),
        Row(
            rule: "host-pid", key: "linux", value: linux(without: "pid"),
            words: #"add {"type": "pid"}"#),
        Row(
            rule: "host-ipc", key: "linux", value: linux(without: "ipc"),
            words: "shares System V IPC"),
        Row(
            rule: "host-namespace", key: "linux",
            value:
                #"{"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"},"#
                + #" {"type": "ipc"}, {"type": "user"}], "resources":"#
                + #" {"memory": {"limit": 1}, "pids": {"limit": 1}}}"#,
            words: "linux.namespaces[1].path: /proc/1/ns/net is a namespace of the host"),
        Row(
            rule: "no-seccomp", key: "vfs", value: nil,
            words: "linux.seccomp: the program can use all"),
        Row(
            rule: "seccomp-default", key: "linux",
            value: linux(#""seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}"#),
            words: "SCMP_ACT_ALLOW allows"),
        Row(
            rule: "writable-bind", key: "mounts", value: bind("/etc/", "\"rbind\""),
            words: "mounts[0].source: /etc of the host is writable"),
        Row(
            rule: "whole-host", key: "mounts", value: bind("/", "\"bind\", \"ro\""),
            words: "including keys and passwords"),
        Row(
            rule: "whole-host", key: "mounts", value: bind("/", "\"bind\""),
            words: "there is no isolation"),
        Row(
            rule: "control-socket", key: "mounts",
            value: bind("/var/run/docker.sock", "\"bind\", \"ro\""),
            words: "access to docker.sock is equivalent to root on the host"),
        Row(
            rule: "shared-mounts", key: "linux",
            value: linux(#""rootfsPropagation": "rshared""#), words: "\"rslave\""),
        Row(
            rule: "writable-root", key: "vfs", value: #"{"seccomp": "default", "overlay": false}"#,
            words: "vfs.overlay: the program writes to root.path"),
        Row(
            rule: "all-devices", key: "linux",
            value: linux(
                resources:
                    #"{"devices": [{"allow": true, "access": "rwm"}], "memory": {"limit": 1},"#
                    + #" "pids": {"limit": 1}}"#), words: "all devices are allowed"),
        Row(
            rule: "host-device", key: "linux",
            value: linux(
                #""devices": [{"type": "b", "path": "/dev/sda", "major": 8, "minor": 0}]"#),
            words: "/dev/sda is a block device"),
        Row(
            rule: "host-device", key: "linux",
            value: linux(
                #""devices": [{"type": "c", "path": "/dev/mem", "major": 1, "minor": 1}]"#),
            words: "/dev/mem is the memory of the host; remove it"),
        Row(
            rule: "no-memory-limit", key: "linux",
            value: linux(resources: #"{"pids": {"limit": 1}}"#),
            words: "linux.resources.memory.limit"),
        Row(
            rule: "no-memory-limit", key: "linux",
            value: linux(resources: #"{"memory": {"limit": -1}, "pids": {"limit": 1}}"#),
            words: "all memory of the host"),
        Row(
            rule: "no-pids-limit", key: "linux",
            value: linux(resources: #"{"memory": {"limit": 1}}"#), words: "a fork bomb"),
    ]

    @Test(arguments: rows)
    func `of a rule is given once, at its place, and nothing else is said`(_ row: Row) throws {
        let found = try spoken([(row.key, row.value)])
        #expect(found.map(\.rule) == [row.rule])
        #expect(found.first?.text.contains(row.words) == true, "\(found)")
        #expect(found.first?.text.contains(": warning: ") == true)
    }

    @Test func `about proc and sysfs depends on what is mounted`() throws {
        let mounts = #"""
            [{"destination": "/proc", "type": "proc"},
             {"destination": "/sys", "type": "sysfs", "options": ["nosuid"]}]
            """#
        let bare = try spoken([("mounts", mounts)])
        #expect(Set(bare.map(\.rule)) == ["writable-sysfs", "masked-paths", "readonly-paths"])
        let covered = Self.linux(
            #""maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list","#
                + #" "/sys/firmware"], "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq","#
                + #" "/proc/sys", "/proc/sysrq-trigger"]"#)
        let rest = try spoken([("mounts", mounts), ("linux", covered)])
        #expect(rest.map(\.rule) == ["writable-sysfs"])
        let one = Self.linux(#""maskedPaths": ["/proc/kcore"]"#)
        let some = try spoken([("mounts", mounts), ("linux", one)])
        let masked = try #require(some.first { $0.rule == "masked-paths" })
        #expect(masked.text.contains("linux.maskedPaths[0]: lacks /proc/acpi, /proc/keys,"))
    }

    @Test func `about the root user holds where no user namespace makes it another`() throws {
        #expect(try spoken([("process", Self.process("", 0))]).isEmpty)
        let shared = try spoken([
            ("process", Self.process("", 0)), ("linux", Self.linux(without: "user")),
        ])
        #expect(shared.contains { $0.rule == "root-user" })
        let unnamed = try spoken([
            ("process", #"{"cwd": "/", "args": ["sh"], "noNewPrivileges": true}"#),
            ("linux", Self.linux(without: "user")),
        ])
        #expect(unnamed.contains { $0.text.contains("process.user.uid: runs as root") })
    }

    /// Where there is no user namespace, which another rule speaks of.
    @Test func `about quotas of the host's user names the limits that are missing`() throws {
        func missing(_ limits: String) throws -> String? {
            try spoken([
                ("process", Self.process(limits)), ("linux", Self.linux(without: "user")),
            ]).first { $0.rule == "shared-quotas" }?.text
        }
        let signals = #"{"type": "RLIMIT_SIGPENDING", "soft": 9, "hard": 9}"#
        let queues = #"{"type": "RLIMIT_MSGQUEUE", "soft": 9, "hard": 9}"#
        #expect(
            try missing("")?.contains("set RLIMIT_SIGPENDING and RLIMIT_MSGQUEUE") == true)
        #expect(
            try missing(#""rlimits": [\#(signals)]"#)?.hasSuffix("set RLIMIT_MSGQUEUE") == true)
        #expect(try missing(#""rlimits": [\#(signals), \#(queues)]"#) == nil)
    }

    @Test func `is in the order of the document, with the name of its rule`() throws {
        let found = try spoken([
            ("process", Self.process("", 1000, "false")), ("vfs", nil),
            ("mounts", Self.bind("/run/podman/podman.sock", "\"bind\"")),
        ])
        #expect(found.map(\.rule) == ["no-seccomp", "new-privileges", "control-socket"])
    }

    @Test func `is listed in docs/lint.md, rule by rule`() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(
            decoding: try HostPath.read("/\(folder)/docs/lint.md"), as: UTF8.self)
        for (name, _) in ContainerRuntime.Advice.all {
            #expect(page.contains("`\(name)`"), "docs/lint.md does not list \(name)")
        }
    }

    @Test func `takes a document that is no config at all`() throws {
        for text in ["{}", "[]", "null", "{\"linux\": 7, \"process\": []}"] {
            _ = Advice.findings(try JSONDocument(Array(text.utf8)), file: "config.json")
        }
    }
}
