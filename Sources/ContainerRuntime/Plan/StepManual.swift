internal import CResources

/// What docs/steps.md says of a kind of step. The page is part of the program: there is one text,
/// for whoever reads it there and for `vfs-run plan --explain`.
struct StepManual {
    struct Entry: Sendable, Equatable {
        /// The name of the row.
        var topic: String
        /// What the kernel does.
        var what: String
        /// The system calls.
        var calls: String
        /// Why it stands where it does.
        var why: String
    }

    /// The rows of the page, in its order.
    let entries: [Entry]

    /// The page that is part of the program.
    init() {
        let bytes = unsafe UnsafeBufferPointer(
            start: cresources_steps(), count: cresources_steps_size())
        self.init(unsafe String(decoding: bytes, as: UTF8.self))
    }

    /// - Parameter page: Rows of two cells say why a step stands where it does, rows of three what
    ///   happens and by which calls; heads of tables say nothing.
    init(_ page: String) {
        var found: [Entry] = []
        var kernel: [String: (what: String, calls: String)] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map(StepManual.plain)
            if cells[0] == "step" || cells[0].hasPrefix("---") { continue }
            if cells.count == 2 {
                found.append(Entry(topic: cells[0], what: "", calls: "", why: cells[1]))
            } else if cells.count == 3 {
                kernel[cells[0]] = (cells[1], cells[2])
            }
        }
        entries = found.map { entry in
            guard let (what, calls) = kernel[entry.topic] else { return entry }
            return Entry(topic: entry.topic, what: what, calls: calls, why: entry.why)
        }
    }

    /// Without what marks words in Markdown.
    private static func plain(_ cell: Substring) -> String {
        var text = cell.filter { $0 != "`" && $0 != "*" }[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// What is said of a step; nil where its kind has no row.
    func entry(for step: any Step) -> Entry? {
        guard let topic = StepManual.topic(of: step) else { return nil }
        return entries.first { $0.topic == topic }
    }

    /// The name of the row that is about a kind of step.
    static func topic(of step: any Step) -> String? {
        topics.first { $0.kind == type(of: step) }?.topic
    }

    static let topics: [(kind: any Step.Type, topic: String)] = [
        (RequireSeal.self, "run from a sealed mount"), (RequireSELinux.self, "require SELinux"),
        (RequireStreams.self, "require streams"), (RelayStreams.self, "relay the streams"),
        (RequireDescriptors.self, "require descriptors"),
        (ReserveContainer.self, "take the container id"),
        (PrepareReadiness.self, "prepare readiness"),
        (MakeScratchUpper.self, "make a directory for what is thrown away"),
        (LockLayer.self, "lock the upper, lock the layers"),
        (LockUpper.self, "lock the upper, lock the layers"),
        (PrepareSeccomp.self, "prepare the seccomp filter"),
        (FindControlGroups.self, "find the control groups"),
        (MakeControlGroup.self, "make the control group"),
        (FindMappings.self, "read the id mappings"), (OpenRootDirectory.self, sources),
        (AttachRoot.self, sources), (EnterNamespaces.self, "make the init process"),
        (WriteMappings.self, "map users and groups"),
        (BecomeNamespaceRoot.self, "become root of the user namespace"),
        (OpenPrivateProc.self, "open a procfs"), (OpenHostProc.self, "open the host's procfs"),
        (GiveControlGroup.self, "give the control group"),
        (MakeResctrlGroup.self, "make the group of resctrl"),
        (LetAnchorGo.self, "let the anchor go"),
        (EnterResctrlGroup.self, "enter the group of resctrl"),
        (CreateNamespaces.self, "make the init process"), (JoinContainer.self, "join a container"),
        (OpenRoot.self, "join a container"),
        (TieToRuntime.self, "die when the runtime process dies"),
        (EnterControlGroup.self, "enter the control group"),
        (SeparateControlGroups.self, "make a namespace of control groups"),
        (JoinNamespace.self, "join namespaces"), (JoinProcesses.self, "join a pid namespace"),
        (SeparateMounts.self, "stop mounts from reaching the host"),
        (OpenBindSource.self, "open the sources of bind mounts"),
        (OpenControlGroups.self, "open the control groups"),
        (MountRootDirectory.self, "bind the root"), (MountOverlay.self, "mount the overlay"),
        (HandOverUpper.self, "hand the upper over"),
        (PivotRoot.self, "pivot_root"), (SetRootPropagation.self, "propagate the root"),
        (MountFileSystem.self, mounts), (AttachBind.self, mounts), (Remount.self, mounts),
        (MountControlGroups.self, mounts), (MakeDefaultDevices.self, devices),
        (MakeDevice.self, devices), (OpenTerminal.self, "the terminal"), (MaskPath.self, paths),
        (ProtectPath.self, paths), (CheckMountPoints.self, "mount points"),
        (MoveNetworkDevice.self, "network devices"),
        (RunHooks.self, "hooks"), (SetHostName.self, names), (SetDomainName.self, names),
        (BringLoopbackUp.self, names), (SetSystemControl.self, names),
        (SetOutOfMemoryScore.self, treatment), (SetPersonality.self, treatment),
        (SetMemoryPolicy.self, treatment), (SetScheduling.self, treatment),
        (SetInputOutputPriority.self, treatment), (StartSession.self, "session, keyring"),
        (GiveStreams.self, "standard streams"), (TakeStreams.self, "standard streams"),
        (EnterWorkingDirectory.self, "working directory"),
        (ProtectRoot.self, "read-only root"), (FindHome.self, "home directory"),
        (SetAppArmorProfile.self, labels), (LabelKeyring.self, labels), (LabelProgram.self, labels),
        (SetLimit.self, "limits"), (LeaveCallersLimits.self, "caller's limits"),
        (LiftProcessLimit.self, "limits"),
        (SetProcessLimit.self, "limits"), (StartKeyring.self, "session, keyring"),
        (TakeTerminal.self, "standard streams"),
        (EnterProcesses.self, "become a process of the container"),
        (WatchProcess.self, "become a process of the container"),
        (DropBoundingSet.self, "bounding set"),
        (ForbidNewPrivileges.self, "no new privileges"), (ChangeUser.self, "groups, group, user"),
        (SetCapabilities.self, "capabilities"), (VerifyRights.self, "read the rights back"),
        (SetAffinity.self, "affinity"),
        (FindProgram.self, "find the program"), (RecordContainer.self, "write the container down"),
        (RecordUpper.self, "write down what the upper lies on"),
        (HoldUpper.self, "write down who uses the upper"),
        (WritePIDFile.self, "write the container down"),
        (SendPIDFD.self, "write the container down"), (LetGo.self, "write the container down"),
        (PrepareGate.self, "wait for the start"), (AwaitStart.self, "wait for the start"),
        (CloseDescriptors.self, "close descriptors"), (InstallSeccomp.self, "seccomp"),
        (PassListener.self, "pass the listener"),
        (Execute.self, "execute"),
    ]

    private static let sources = "open bind sources, open or mount the root"
    private static let mounts = "mounts, in their order"
    private static let devices = "default devices, linux.devices"
    private static let paths = "masked paths, read-only paths"
    private static let names = "host name, loopback, sysctl"
    private static let treatment =
        "OOM score, personality, memory policy, scheduler, I/O priority"
    private static let labels = "AppArmor profile, SELinux label"
}

extension Plan {
    /// As `text`, with what docs/steps.md says of each kind of step where it first comes.
    public var explainedText: String {
        let manual = StepManual()
        var explained: [String: Int] = [:]
        var text = ""
        for (index, line) in self.text.split(separator: "\n").enumerated() {
            text += line + "\n"
            guard let entry = manual.entry(for: steps[index].step) else { continue }
            if let first = explained[entry.topic] {
                text += "        as step \(first)\n"
                continue
            }
            explained[entry.topic] = index + 1
            for (label, words) in [
                ("", entry.what), ("Why here: ", entry.why), ("Calls: ", entry.calls),
            ] where !words.isEmpty {
                text += Plan.indented(label + words)
            }
            text += "\n"
        }
        return text
    }

    /// Lines of at most 92 characters, behind the numbers.
    private static func indented(_ words: String) -> String {
        var lines = [""]
        for word in words.split(separator: " ") {
            if lines[lines.count - 1].count + word.count > 84 { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines.map { "        \($0)\n" }.joined()
    }
}
