internal import LinuxSystem
internal import SystemPackage

/// What the kernel says of a process at one moment: its mounts, namespaces, ids, capabilities and
/// limits. Read in procfs, where nothing of the process is needed for it.
struct ProcessView: Sendable {
    struct Mount: Sendable, Hashable {
        var point: String
        /// Its type, its source, and its options.
        var words: String
    }

    /// By their numbers; nil where they may not be read.
    private(set) var mounts: [Int: Mount]?
    /// The mount namespace: mounts of two of them cannot be compared.
    private(set) var mountNamespace: String?
    /// Everything else, in the order of messages.
    private(set) var facts: [(what: String, value: String)] = []

    private static let mostMounts = 2000
    private static let mostBytes = 1 << 20

    /// - Returns: Nil where there is no such process.
    init?(of pid: Int32) {
        guard let process = try? ProcessDirectory(of: pid) else { return nil }
        for kind in NamespaceKind.all {
            guard let name = try? process.link("ns/\(kind.file)") else { continue }
            if kind.flag == .mount { mountNamespace = name }
            let isHosts = (try? HostPath.linkTarget("/proc/self/ns/\(kind.file)")) == name
            facts.append(("\(kind.name) namespace", name + (isHosts ? ", the host's" : "")))
        }
        if let text = process.text("cgroup") { facts.append(ProcessView.controlGroup(text)) }
        for (what, file) in [("users", "uid_map"), ("groups", "gid_map")] {
            guard let map = (try? process.read(file)).flatMap({ IDMap(parsing: $0) }) else {
                continue
            }
            facts.append((what, PlanChanges.words(map)))
        }
        if let bytes = try? process.read("status") { addStatus(ProcessStatus(bytes)) }
        if let text = process.text("limits") { addLimits(text) }
        if let text = process.text("oom_score_adj", upTo: 32) {
            facts.append(("oom_score_adj", text.firstLine))
        }
        if let bytes = try? process.read("mountinfo", upTo: ProcessView.mostBytes) {
            mounts = ProcessView.mounts(bytes)
        }
    }

    /// For tests.
    init(facts: [(String, String)], mounts: [Int: Mount]?, mountNamespace: String) {
        self.facts = facts
        self.mounts = mounts
        self.mountNamespace = mountNamespace
    }

    /// Of version 1 the kernel has a line for each hierarchy, mostly with one path.
    private static func controlGroup(_ text: String) -> (String, String) {
        var paths: [String] = []
        for line in text.split(separator: "\n").prefix(64) {
            let path = String(line.split(separator: ":", maxSplits: 2).last ?? "")
            if !paths.contains(path) { paths.append(path) }
        }
        return ("control group", paths.joined(separator: ", "))
    }

    private mutating func addStatus(_ status: ProcessStatus) {
        func ids(_ numbers: [UInt32]) -> String {
            Set(numbers).count == 1
                ? "\(numbers[0])" : numbers.map(String.init).joined(separator: " ")
        }
        if !status.users.isEmpty { facts.append(("user", ids(status.users))) }
        if !status.groups.isEmpty { facts.append(("group", ids(status.groups))) }
        if let groups = status["Groups"] {
            let words = groups.split(separator: " ").joined(separator: " ")
            facts.append(("further groups", words.isEmpty ? "none" : words))
        }
        let sets = [
            ("CapInh", "inheritable"), ("CapPrm", "permitted"), ("CapEff", "effective"),
            ("CapBnd", "bounding"), ("CapAmb", "ambient"),
        ]
        for (key, name) in sets {
            guard let set = status.capabilities(key) else { continue }
            facts.append(("\(name) capabilities", PlanChanges.words(set)))
        }
        if let value = status["NoNewPrivs"] { facts.append(("no_new_privs", value)) }
        if let mode = status["Seccomp"] {
            let words = mode == "0" ? "none" : mode == "1" ? "strict" : "a filter"
            let count = status["Seccomp_filters"].flatMap { Int($0) } ?? 0
            facts.append(("seccomp", count > 1 ? "\(count) filters" : words))
        }
        if let value = status["Umask"] { facts.append(("umask", value)) }
    }

    /// `Max open files            1024                 524288               files`
    private mutating func addLimits(_ text: String) {
        for line in text.split(separator: "\n").dropFirst().prefix(64) {
            guard let row = ProcessView.limits.first(where: { line.hasPrefix($0.prefix + " ") })
            else { continue }
            let words = line.dropFirst(row.prefix.count).split(separator: " ")
            guard words.count >= 2 else { continue }
            facts.append((row.limit.name, "\(words[0]), at most \(words[1])"))
        }
    }

    private static let limits: [(prefix: String, limit: ResourceLimit)] = [
        ("Max cpu time", .cpu), ("Max file size", .fileSize), ("Max data size", .data),
        ("Max stack size", .stack), ("Max core file size", .core),
        ("Max resident set", .residentSet), ("Max processes", .processes),
        ("Max open files", .openFiles), ("Max locked memory", .lockedMemory),
        ("Max address space", .addressSpace), ("Max file locks", .locks),
        ("Max pending signals", .pendingSignals), ("Max msgqueue size", .messageQueues),
        ("Max nice priority", .nice), ("Max realtime priority", .realtimePriority),
        ("Max realtime timeout", .realtimeTime),
    ]

    private static func mounts(_ bytes: [UInt8]) -> [Int: Mount] {
        let lines = bytes.split(separator: 0x0a).prefix(mostMounts)
        var found: [Int: Mount] = [:]
        for entry in MountTable(Array(lines.joined(separator: [0x0a]))).entries {
            var words = entry.type
            if entry.root != "/" { words += " \(entry.root)" }
            if entry.source != entry.type && entry.source != "none" {
                words += " of \(entry.source)"
            }
            let options = entry.options + entry.propagation
            words += ", " + options.joined(separator: ",")
            if entry.isReadOnlyFileSystem && !entry.isReadOnly { words += ", of a read-only one" }
            found[entry.id] = Mount(point: entry.point, words: words)
        }
        return found
    }
}

extension String {
    var firstLine: String { String(prefix { $0 != "\n" }) }
}
