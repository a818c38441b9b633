internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The values that the runtime process has made for the init process, which starts with a copy.
///
/// Descriptors in it are numbers of the init process's own table too.
final class Handover {
    /// The runtime process, by its pidfd, where it has a watchdog: that one holds the runtime's end
    /// of the channel open as well.
    var lifeline: FileDescriptor?
    /// Layers and the upper, by their paths, as they were locked.
    var layers: [String: FoundDirectory]?
    /// The filter that the program gets.
    var seccompFilter: SeccompFilter?
    /// Whether the filter's listener is sent by a message; otherwise the runtime process takes it.
    var sendsListener = false
    /// The hierarchies of control groups, as the runtime process is in them.
    var controlGroups: ControlGroupLayout?
    /// The container's own; nil too where it may do without.
    var controlGroup: ControlGroup?
    /// By which it was made.
    var controlGroupRequest: ControlGroupRequest?
    /// Whether the container may make cgroups in it.
    var givesControlGroup = false
    /// Whether `clone3` makes the init process in its cgroup of version 2.
    var startsInControlGroup = false
    var resctrlGroup: ResctrlGroup?
    /// The container's root, where the runtime process makes it.
    var rootTree: BindSource?
    /// The sources of bind mounts; each is taken by the step that attaches it.
    var bindSources: [BindSource?] = []
    /// Those that an earlier mount of the container may provide, by their positions.
    var innerSources: [Int: InnerSource] = [:]
    /// The files of the host whose content files of the container get.
    var fileSources: [HeldDescriptor] = []
    /// The host's procfs, for a process that joins a container or a pid namespace.
    var privateProc: HeldRoot?
    /// Of a process in between, which has joined a pid namespace: see `ContainerContext`.
    var procContexts: [HeldDescriptor]?
    var joinedProc: HeldRoot?
    /// In memory: the job that the init process waits for.
    var job: HeldDescriptor?
    /// What carries standard streams between the caller and the program.
    var pipes: [StreamPipe] = []
    /// Where the init tells how the program has ended; the init process alone has this end open.
    var report: HeldChannel?
    /// What the init process waits at for its start, by O_PATH.
    var fifo: HeldDescriptor?
    /// Of the caller's terminal, where there is one: the container's has it before the program can
    /// ask.
    var callerSize: TerminalSize?

    /// What becomes criu.
    var criu: CRIUHandover?
    /// The archive that a throw-away upper begins with.
    var savedUpper: HeldDescriptor?

    /// Keeps a layer, or a directory of the upper, until the overlay is mounted.
    func add(_ directory: FoundDirectory, at path: String) {
        layers = layers ?? [:]
        layers?[path] = directory
    }

    /// Keeps the source of a bind mount until it is attached.
    func keep(_ source: BindSource, at position: Int) {
        while bindSources.count <= position { bindSources.append(nil) }
        bindSources[position] = source
    }

    func takeSource(_ position: Int) throws(Failure) -> BindSource {
        let source = bindSources.indices.contains(position) ? bindSources[position].take() : nil
        return try source.given(.bindSources)
    }

    /// Moves a process into the container's control group.
    ///
    /// - Parameters:
    ///   - process: 0 for this one.
    ///   - isOptional: Whether there may be none.
    func enterControlGroup(process: Int32, isOptional: Bool) throws(Failure) {
        if isOptional && controlGroup == nil { return }
        let group = try controlGroup.given(.controlGroup)
        do throws(Failure) {
            try group.enter(process: process, isInVersion2: startsInControlGroup)
        } catch {
            guard try restoreControlGroup(), let anew = controlGroup else { throw error }
            try anew.enter(process: process, isInVersion2: startsInControlGroup)
        }
    }

    /// Makes the control group anew where others have removed it before there was a process in it:
    /// once, for those who do it on and on are not to be outrun.
    ///
    /// - Returns: Whether it was.
    func restoreControlGroup() throws(Failure) -> Bool {
        guard let request = controlGroupRequest.take(),
            let restored = try controlGroup?.restored(request)
        else { return false }
        controlGroup = restored
        return true
    }

    /// - Parameter process: 0 for this one.
    func enterResctrlGroup(process: Int32) throws(Failure) {
        let group = try resctrlGroup.given(.resctrlGroup)
        try group.add(process: process)
    }
}
