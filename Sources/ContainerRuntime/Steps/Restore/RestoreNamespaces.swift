internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The request to criu, up to the container's namespaces.
struct RestoreNamespaces: TurnStep {
    static let manual = StepManual(
        "restore the namespaces",
        what: """
            Tells criu what to restore, and where the trees of the host are. criu makes the first \
            process in its namespaces and waits.
            """,
        why: "The hooks that follow find the namespaces, and no program in them.",
        calls: "read, sendmsg, recvmsg")

    let options: CheckpointOptions
    let annotations: [(key: String, value: String)]
    /// Mounts with a source, in the order of the sources.
    let sources: [String]
    /// Where control groups are shown by bind mounts; nil where they are not.
    let groups: String?
    /// Kinds that criu joins by their paths.
    let joined: [(name: String, path: String)]

    let summary = "have criu make the container's namespaces"
    var needs: Provisions { [.images, .conversation, .container] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let request = try request(context, process)
        // criu alone has its end of the conversation now.
        context.handover.criu = nil
        let conversation = try context.criu.given(.conversation)
        try conversation.send(request)
        do throws(Failure) {
            let first = try conversation.proceed(until: "setup-namespaces")
            try context.follow(first)
        } catch {
            throw context.abandonCRIU(error)
        }
    }

    private func request(
        _ context: RuntimeContext, _ process: MadeProcess
    ) throws(Failure) -> CRIURequest {
        let images = try context.images.given(.images)
        guard let criu = context.handover.criu, let directories = context.criuDirectories else {
            throw Failure("there is no criu")
        }
        var request = CRIURequest(.restore)
        request.set(.imagesDirectory, directories.images)
        request.set(.workDirectory, directories.work)
        options.apply(to: &request)
        request.set(.logFile, RestoreProcesses.log)
        request.set(.root, "\(criu.stage)/\(StageTrees.root)")
        request.set(.evasiveDevices, true)
        request.set(.restoresSibling, true)
        if let label = options.label { request.set(.label, label) }
        if let label = options.mountLabel { request.set(.mountLabel, label) }
        context.criuConfig = try CRIUConfigFile.set(&request, annotations)
        for (name, file) in criu.namespaces {
            request.add(inherited: name, file.borrowed.rawValue)
        }
        for (name, path) in joined { request.add(joined: name, path) }
        for (number, name) in try images.streams().enumerated() where name.hasPrefix("pipe:") {
            request.add(inherited: name, CInt(number))
        }
        try addMounts(&request, process, stage: criu.stage)
        if options.controlGroups != .ignore { try addGroups(&request, process) }
        return request
    }

    /// The trees as they lie in criu's mount namespace, those below them too.
    private func addMounts(
        _ request: inout CRIURequest, _ process: MadeProcess, stage: String
    ) throws(Failure) {
        let name = "/proc/\(process.pid)/mountinfo"
        let table = MountTable(try attempt("read", on: name, try HostPath.read(name)))
        var places = sources.enumerated().map { number, destination in
            ("\(stage)/\(StageTrees.name(number))", PathText.cleaned(destination))
        }
        if let groups { places.append(("\(stage)/\(StageTrees.groups)", PathText.cleaned(groups))) }
        for entry in table.entries {
            for (place, destination) in places
            where entry.point == place || entry.point.lies(below: place) {
                let rest = String(Substring(entry.point.utf8.dropFirst(place.utf8.count)))
                request.add(externalMount: destination + rest, entry.point)
            }
        }
        if !sources.contains(ReadinessSocket.destination) {
            request.add(
                externalMount: ReadinessSocket.destination, "\(stage)/\(StageTrees.readiness)")
        }
    }

    /// Where criu itself is, the container's processes get.
    private func addGroups(
        _ request: inout CRIURequest, _ process: MadeProcess
    ) throws(Failure) {
        let name = "/proc/\(process.pid)/cgroup"
        let text = String(
            decoding: try attempt("read", on: name, try HostPath.read(name)), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if fields.count != 3 { continue }
            request.add(controlGroupRoot: String(fields[2]), of: String(fields[1]))
        }
    }
}

extension RuntimeContext {
    /// From here on the restored process is the container's first one.
    func follow(_ process: Int32?) throws(Failure) {
        guard let process else { throw Failure("criu has named no process") }
        if initProcess?.pid == process { return }
        let held = HeldDescriptor(
            try attempt("pidfd_open", "\(process)", try ChildProcess(child: process).release()))
        self.held = held
        restored = process
        initProcess = MadeProcess(pid: process, pidfd: held.borrowed)
    }
}
