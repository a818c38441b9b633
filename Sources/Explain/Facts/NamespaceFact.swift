internal import LinuxSystem
internal import SystemPackage

/// A namespace of a process (namespaces(7)).
public struct NamespaceFact: Sendable {
    /// The specification's word: `network`.
    public var kind: String
    /// `net:[4026531833]`; empty for one that a start would make.
    public var id = ""
    /// Whether process 1 is in another one. Nil where it is not known.
    public var isOwn: Bool?
    /// Whether the process that asks is in it.
    public var isCallers: Bool?
    /// The processes in it, the one in question too; as far as they may be looked at.
    public var processes: [Process] = []
    /// Where the config asks for it.
    public var place: String?
    /// The path of an existing one that a start would join.
    public var joined: String?

    public struct Process: Sendable {
        public var pid: Int32
        /// The name that it has given itself.
        public var name: String
    }

    public init(kind: String, isOwn: Bool?, place: String? = nil, joined: String? = nil) {
        self.kind = kind
        self.isOwn = isOwn
        self.place = place
        self.joined = joined
    }

    /// The most processes of a namespace that are told by name.
    static let mostNamed = 8
    /// The most processes of the machine that are looked at.
    private static let mostProcesses = 65536

    /// Whether a namespace is one of the machine's first. Those have numbers that the kernel gives to
    /// no others, below `PROC_DYNAMIC_FIRST`; mounts and networks have since Linux 6.18. Otherwise
    /// process 1 and the kernel's own threads are asked.
    private static func isFirst(_ id: String, _ name: String) -> Bool? {
        let digits = id.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
        guard let number = UInt64(digits) else { return nil }
        if number < 0xf000_0000 { return true }
        if name == "ns/user" || name == "ns/pid" { return false }
        for pid in [1, 2] as [Int32] {
            guard let other = try? HostPath.linkTarget("/proc/\(pid)/\(name)") else { continue }
            // In a pid namespace of its own process 2 is anything.
            if pid == 1 || isKernelThread(pid) { return other == id }
        }
        // Since Linux 5.6 the others have such numbers too.
        return ["ns/uts", "ns/ipc", "ns/cgroup", "ns/time"].contains(name) ? false : nil
    }

    /// `PF_KTHREAD`, which no process can have.
    private static func isKernelThread(_ pid: Int32) -> Bool {
        guard let bytes = try? HostPath.read("/proc/\(pid)/stat", limit: 4096),
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 6, let flags = UInt64(String(decoding: fields[6], as: UTF8.self))
        else { return false }
        return flags & 0x20_0000 != 0
    }

    static func all(
        of process: borrowing ProcessDirectory, _ unknown: inout [String]
    ) -> [NamespaceFact] {
        var facts: [NamespaceFact] = []
        for kind in NamespaceKind.all {
            let name = "ns/" + kind.file
            let id: String
            do throws(Errno) {
                id = try process.link(name)
            } catch .noSuchFileOrDirectory {
                // The kernel has no such namespaces.
                continue
            } catch {
                unknown.append("the \(kind.name) namespace: \(error.words)")
                continue
            }
            var fact = NamespaceFact(kind: kind.name, isOwn: nil)
            fact.id = id
            fact.isOwn = isFirst(id, name).map { !$0 }
            let callers = try? HostPath.linkTarget("/proc/self/" + name)
            fact.isCallers = callers.map { $0 == id }
            facts.append(fact)
        }
        addProcesses(to: &facts)
        return facts
    }

    /// Every process of the machine is asked; those of other users do not answer.
    private static func addProcesses(to facts: inout [NamespaceFact]) {
        let pids = ((try? HostPath.directories(in: "/proc")) ?? []).compactMap { Int32($0) }
        for pid in pids.sorted().prefix(mostProcesses) {
            guard let process = try? ProcessDirectory(of: pid) else { continue }
            var name: String?
            for index in facts.indices where facts[index].isOwn != false {
                guard let kind = NamespaceKind.all.first(where: { $0.name == facts[index].kind }),
                    (try? process.link("ns/" + kind.file)) == facts[index].id
                else { continue }
                if name == nil { name = process.name }
                facts[index].processes.append(Process(pid: pid, name: name ?? ""))
            }
        }
    }
}

extension ProcessDirectory {
    /// `comm` of proc(5), which a process chooses itself.
    var name: String {
        let text = text("comm", upTo: 64) ?? ""
        return String(text.prefix { $0 != "\n" }).printable(upTo: 64)
    }
}
