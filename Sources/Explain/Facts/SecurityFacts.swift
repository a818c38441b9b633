internal import LinuxSystem

/// What else confines a process.
public struct SecurityFacts: Sendable {
    /// `no_new_privs` of prctl(2).
    public var noNewPrivileges: Bool?
    /// Whether other processes of its user may look into it; nil where it cannot be told.
    public var isDumpable: Bool?
    /// The labels of Linux security modules: `apparmor docker-default (enforce)`.
    public var labels: [Label] = []
    /// The modules that the kernel has, nil where it does not say.
    public var modules: [String]?
    /// Where the config says so.
    public var place: String?

    public struct Label: Sendable {
        public var module: String
        public var text: String

        public init(module: String, text: String) {
            (self.module, self.text) = (module, text)
        }
    }

    public init() {}

    /// The most bytes of a label.
    private static let longestLabel = 1024

    init(
        of process: borrowing ProcessDirectory, _ status: ProcessStatus, _ identity: IdentityFacts
    ) {
        noNewPrivileges = status["NoNewPrivs"].map { $0 == "1" }
        // Of a process of root both have the same owner.
        if let user = identity.user, user != 0, let owner = process.owner {
            isDumpable = owner == user
        }
        let list = try? HostPath.readShort("/sys/kernel/security/lsm")
        modules = list.map {
            String(decoding: $0, as: UTF8.self).split { $0 == "," || $0 == "\n" }.map(String.init)
        }
        for (module, file) in [
            ("apparmor", "attr/apparmor/current"), ("selinux", "attr/selinux/current"),
            ("smack", "attr/smack/current"), ("", "attr/current"),
        ] {
            guard labels.isEmpty || !module.isEmpty,
                let text = process.text(file, upTo: SecurityFacts.longestLabel)
            else { continue }
            let label = text.prefix { $0 != "\n" && $0 != "\0" }
            if label.isEmpty { continue }
            labels.append(Label(module: module, text: String(label).printable))
        }
    }

    /// Whether a module confines it.
    var isLabelled: Bool {
        labels.contains { $0.text != "unconfined" && !$0.text.hasPrefix("unconfined_u:") }
    }
}
