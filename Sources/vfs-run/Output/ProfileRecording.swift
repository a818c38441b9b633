internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// The least profile of one run or several: the calls that were made.
final class ProfileRecording {
    private let file: String
    /// Opened before the run: a program whose files the directory is among could exchange it.
    private let folder: OwnedDescriptor
    private let omitted: Set<String>
    private var names: Set<String>
    /// Of calls whose first argument decides what part of the kernel they reach.
    private var families: [String: Set<UInt64>] = [:]

    /// Made before the filter, by the vDSO without a call, when a signal interrupts another call, or
    /// by the init process itself, which tells the runtime process by write(2) of the listener.
    private static let always = [
        "clock_gettime", "execve", "exit", "exit_group", "getcpu", "gettimeofday",
        "restart_syscall", "rt_sigreturn", "sendmsg", "time", "write",
    ]
    private static let byFamily: Set<String> = ["socket", "socketpair"]
    /// Above AF_MAX.
    private static let mostFamilies: UInt64 = 64

    /// - Parameters:
    ///   - file: A profile that an earlier run has written is gone on with.
    ///   - omitted: Names, separated by commas.
    init(_ file: String, without omitted: [String]) throws(Failure) {
        let path = try LoadedConfig.absolute(file)
        self.file = path
        let place = LoadedConfig.directory(of: path)
        folder = try attempt(
            "open", on: place, try HostPath.open(place, [.readOnly, .directory]))
        let words = omitted.flatMap { $0.split(separator: ",").map(String.init) }
        for word in words where SystemCallNumber(named: word) == nil {
            throw Failure("--seccomp-omit: \(word.inQuotes) is no system call of this machine")
        }
        self.omitted = Set(words)
        names = Set(ProfileRecording.always.filter { SystemCallNumber(named: $0) != nil })
        if (try? FileStatus.of(path: self.file)) != nil { try readEarlier() }
    }

    private func readEarlier() throws(Failure) {
        let document = try LoadedConfig.read(file, ofBundle: false)
        let diagnostics = Diagnostics(document, file: file)
        guard let profile = Spec.Seccomp(document.root, diagnostics), !diagnostics.hasErrors,
            profile.defaultAction?.value == .errno
        else {
            throw Failure(
                "--seccomp-record: \(file) is no profile that was recorded; name another file")
        }
        for rule in profile.syscalls where rule.action.value == .allow {
            for name in rule.names.map(\.value) {
                if rule.args.isEmpty {
                    names.insert(name)
                } else if let argument = rule.args.first, rule.args.count == 1,
                    argument.op.value == .equal, ProfileRecording.byFamily.contains(name)
                {
                    families[name, default: []].insert(argument.value.value)
                } else {
                    throw Failure(
                        "--seccomp-record: \(file) has rules with conditions that were not"
                            + " recorded; name another file")
                }
            }
        }
    }

    func add(_ notice: CallNotice) {
        guard notice.call.architecture == SystemCallNumber.native, let name = notice.call.name
        else { return }
        if ProfileRecording.byFamily.contains(name), let family = notice.arguments.first {
            // No other family exists, and the program chooses the number.
            if family < ProfileRecording.mostFamilies {
                families[name, default: []].insert(family)
            }
        } else {
            names.insert(name)
        }
    }

    var json: JSONOutput {
        var rules: [JSONOutput] = [
            [
                "names": .strings(names.subtracting(omitted).sorted()),
                "action": "SCMP_ACT_ALLOW",
            ]
        ]
        for (name, values) in families.sorted(by: { $0.key < $1.key })
        where !omitted.contains(name) && !names.contains(name) {
            for value in values.sorted() {
                rules.append([
                    "names": .strings([name]), "action": "SCMP_ACT_ALLOW",
                    "args": [
                        ["index": 0, "value": .unsigned(value), "op": "SCMP_CMP_EQ"]
                    ],
                ])
            }
        }
        return [
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": .array(rules),
        ]
    }

    func write(_ log: Log) throws(Failure) {
        let name = String(file.split(separator: "/").last ?? "")
        let bytes = Array(json.prettyText.utf8)
        try attempt(
            "write", on: file, try folder.borrowed.replaceFile(name, with: bytes, mode: 0o644))
        log.tell("\(file): a profile of \(names.subtracting(omitted).count) system calls")
    }
}
