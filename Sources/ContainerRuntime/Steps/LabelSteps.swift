internal import LinuxSystem
internal import SystemPackage

/// Files of a process's own security attributes, reached through a procfs that nobody else has
/// seen: what is written must not land in a file that the image has put there (CVE-2019-16884,
/// CVE-2019-19921, CVE-2025-52881).
private enum SecurityAttribute {
    static func read(_ name: String, _ proc: HeldRoot) throws(Errno) -> [UInt8] {
        let file = try proc.directory.open("self/attr/\(name)", .readOnly)
        return try file.borrowed.readAll(limit: 65536)
    }

    static func write(_ name: String, _ value: String, _ proc: HeldRoot) throws(Errno) {
        let file = try proc.directory.open("self/attr/\(name)", .writeOnly)
        try file.borrowed.write(all: Array(value.utf8))
    }
}

/// `process.apparmorProfile`, which confines the program from exec on.
///
/// Before the user changes, who may not write the file. Before no-new-privileges, as in other
/// runtimes.
struct SetAppArmorProfile: Step {
    let profile: String

    let side = Side.container
    var summary: String { "confine the program by the AppArmor profile \(profile)" }

    func apply(_ context: StartContext) throws(StepError) {
        let proc = try context.openPrivateProc()
        guard isEnabled(proc) else {
            // There is nothing to be confined by, as asked.
            if profile == "unconfined" { return }
            throw StepError(
                "AppArmor is not enabled in this kernel; boot it with apparmor=1 and lsm=…,apparmor,"
                    + " or remove process.apparmorProfile")
        }
        try stepping(
            "write", "\"/proc/self/attr/apparmor/exec\"",
            advice: { error in
                switch error {
                case .noSuchFileOrDirectory:
                    "the profile is not loaded; apparmor_parser loads it"
                case .permissionDenied:
                    "the runtime is confined itself, and its profile does not let it change to"
                        + " this one"
                default: nil
                }
            }
        ) { () throws(Errno) in
            // Since Linux 5.8 AppArmor has a directory of its own; the file beside it belongs to
            // whichever module came first.
            try SecurityAttribute.write("apparmor/exec", "exec \(profile)", proc)
        }
    }

    /// Without the module there is no such file, and a module that is off does not answer.
    private func isEnabled(_ proc: HeldRoot) -> Bool {
        (try? SecurityAttribute.read("apparmor/current", proc)) != nil
    }
}

/// Before anything is made: a label without SELinux would confine nothing.
struct RequireSELinux: Step {
    let side = Side.runtime
    let summary = "require SELinux, which the labels are for"

    func apply(_ context: StartContext) throws(StepError) {
        let found = try stepping("read", "\"/proc/filesystems\"") { () throws(Errno) in
            try HostPath.read("/proc/filesystems")
        }
        if !RequireSELinux.isEnabled(found) {
            throw StepError(
                "SELinux is not enabled in this kernel; boot it with selinux=1 and lsm=…,selinux,"
                    + " or remove process.selinuxLabel and linux.mountLabel")
        }
    }

    /// SELinux makes its file system known when it starts, and only then.
    static func isEnabled(_ fileSystems: [UInt8]) -> Bool {
        fileSystems.split(separator: UInt8(ascii: "\n")).contains {
            $0.split(separator: UInt8(ascii: "\t")).last?.elementsEqual("selinuxfs".utf8) == true
        }
    }
}

/// `process.selinuxLabel`, for the session's keyring: with the runtime's label the program could
/// not use it. Before the keyring is made; exec forgets it.
struct LabelKeyring: Step {
    let label: String

    let side = Side.container
    var summary: String { "label the keyring \(label)" }

    func apply(_ context: StartContext) throws(StepError) {
        try writeLabel(label, "keycreate", context)
    }
}

/// `process.selinuxLabel`, which the program has from exec on.
struct LabelProgram: Step {
    let label: String

    let side = Side.container
    var summary: String { "label the program \(label)" }

    func apply(_ context: StartContext) throws(StepError) {
        try writeLabel(label, "exec", context)
    }
}

private func writeLabel(
    _ label: String, _ attribute: String, _ context: StartContext
) throws(StepError) {
    let proc = try context.openPrivateProc()
    try stepping(
        "write", "/proc/self/attr/\(attribute)".inQuotes,
        advice: { error in
            switch error {
            case .invalidArgument: "the policy does not know this context"
            case .permissionDenied: "the policy does not let the runtime set it"
            default: nil
            }
        }
    ) { () throws(Errno) in
        try SecurityAttribute.write(attribute, label, proc)
    }
}
