internal import Cgroups
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The processes of the container, by CRIU.
struct DumpProcesses: RuntimeStep {
    static let manual = StepManual(
        "dump the processes",
        what: """
            Starts criu, which freezes the container and writes its processes into the images: \
            memory, descriptors, namespaces, and the content of file systems that lie in memory. \
            Mounts from the host, and namespaces that the config names by a path, are left out. \
            criu then waits, with the container frozen.
            """,
        why: """
            Before what the container has written is saved: from here on nothing of it changes.
            """,
        calls: "socketpair, clone3, execve, sendmsg, recvmsg")

    let options: CheckpointOptions

    var summary: String {
        options.isPreDump ? "dump the memory by criu" : "freeze the container and dump it by criu"
    }
    let undoing = "criu thaws the container where it does not come to the end"
    var needs: Provisions { [.container, .process, .images] }
    var gives: Provisions { [.conversation] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let images = try context.images.given(.images)
        let process = try context.initProcess.given(.process)
        var request = CRIURequest(options.isPreDump ? .preDump : .dump)
        request.set(.imagesDirectory, images.directory.borrowed.rawValue)
        request.set(.workDirectory, images.work.borrowed.rawValue)
        options.apply(to: &request)
        request.set(.logFile, DumpProcesses.log)
        request.set(.process, Int(process.pid))
        request.set(.leavesRunning, options.leavesRunning)
        request.set(.linksRemoved, options.linksRemoved)
        request.set(.skipsInFlight, options.skipsInFlight)
        if let server = options.pageServer {
            request.set(pageServer: server.address, port: server.port)
        }
        if let parent = options.parentPath { request.set(.parentImages, parent) }
        if options.parentPath != nil || options.isPreDump { request.set(.tracksMemory, true) }
        let container = try context.container.given(.container)
        let state = try context.state.given(.container)
        let spec = try container.spec()
        context.criuConfig = try CRIUConfigFile.set(
            &request, spec.annotations.map { ($0.key.value, $0.value.value) })
        if let freezer = state.groups.freezer { request.set(.freezer, freezer) }
        if !options.isPreDump {
            try describe(&request, process.pid, state, spec)
            try images.write(streams: state.streams)
        }
        let conversation = try start(context, images)
        try conversation.send(request)
        do throws(Failure) {
            _ = try conversation.proceed(until: options.isPreDump ? nil : "post-dump")
        } catch {
            throw context.abandonCRIU(error)
        }
    }

    static let log = "dump.log"

    private func describe(
        _ request: inout CRIURequest, _ process: Int32, _ state: ContainerState, _ spec: Spec
    ) throws(Failure) {
        let namespaces = NamespaceSet(rawValue: state.namespaces)
        let mounts = try ExternalMounts(
            of: process, spec, bundle: state.bundle,
            bindsControlGroups: !namespaces.contains(.cgroup))
        for (point, name) in mounts.found { request.add(externalMount: point, name) }
        for namespace in spec.linux?.namespaces ?? [] where namespace.path?.value.isEmpty == false {
            guard let external = ExternalNamespace(namespace.type.value) else { continue }
            let file = "/proc/\(process)/ns/\(external.file)"
            let status = try attempt("stat", on: file, try FileStatus.of(path: file))
            request.set(.external, "\(external.file)[\(status.inode)]:\(external.key)")
        }
    }

    /// It has no parent-death signal: one that was killed in the middle would leave the container
    /// frozen, with criu's code in it. It ends by itself when this process is gone.
    private func start(
        _ context: RuntimeContext, _ images: CheckpointImages
    ) throws(Failure) -> CRIUConversation {
        let program = try CRIUProgram.find()
        let pair = try attempt("socketpair", try Channel.Pair())
        let far = pair.far.borrowed
        let child = try attempt(
            "clone3",
            try ChildProcess.spawn([]) {
                do throws(Errno) {
                    try SignalQueue.resetAll()
                    Interruption.forget()
                    try CurrentProcess.startSession()
                    try program.execute(far)
                } catch {}
                CurrentProcess.exit(InitProcess.failureCode)
            })
        context.criuProcess = HeldProcess(child)
        let log = CheckpointLog(
            directory: images.work, path: images.workPath, name: DumpProcesses.log)
        let conversation = CRIUConversation(pair.takeNear(), log)
        if let number = options.statusDescriptor {
            conversation.whenReady = {
                // The reader may be gone: the dump goes on all the same.
                try? FileDescriptor(rawValue: number).write(all: [0])
                _ = OwnedDescriptor(FileDescriptor(rawValue: number))
            }
        }
        context.criu = conversation
        return conversation
    }
}
