internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// An upper that a command line names, with the layers below it.
struct UpperSource {
    /// For messages.
    let name: String
    let stack: LayerStack
    /// How many of the topmost layers are what runs wrote.
    let uppers: Int
    let isInUse: Bool

    /// Of the first operand.
    ///
    /// - Parameter needsLayers: Nothing can be said where the layers below are not known.
    init(_ arguments: ParsedArguments, needsLayers: Bool = true) throws(LayerError) {
        let (operand, runs) = try UpperSource.place(arguments)
        name = operand
        // A directory of each layer is open, for each on the way down.
        ResourceLimit.raiseOpenFiles()
        if !UpperSource.isDirectory(operand) {
            throw LayerError(
                "\"\(operand)\" is neither a directory nor a container; name a directory that"
                    + " --upper has kept")
        }
        var layers = arguments.values("layer")
        var marks = Credentials.effectiveUser == 0 ? OverlayMarks.trusted : .user
        var opened: [LayerDirectory] = []
        var owners: IDMappings?
        if UpperSource.isDirectory("\(operand)/upper") && UpperSource.isDirectory("\(operand)/work")
        {
            let kept = try KeptUpper(opening: operand)
            let isLocked = try kept.isInUse()
            isInUse = isLocked || runs
            let (above, frozen) = try kept.uppers(since: arguments.value("since"))
            opened = above
            if let record = try kept.record() {
                if layers.isEmpty { layers = record.layers }
                marks = record.marks
                owners = record.owners
            }
            layers += frozen
        } else {
            opened = [try UpperSource.open(operand)]
            isInUse = false
        }
        if arguments.has("userxattr") { marks = .user }
        if layers.isEmpty && needsLayers {
            throw LayerError(
                "\"\(operand)\" does not say which layers it was written over; name them by"
                    + " --layer, bottom first")
        }
        var stack = try LayerStack(uppers: opened, over: layers, marks: marks)
        stack.owners = owners
        self.stack = stack
        uppers = opened.count
    }

    var warning: String {
        "the upper \"\(name)\" is in use by a run: what is written here may change meanwhile"
    }

    /// No run writes to it, nor will one as long as this is held.
    func requireUnused() throws(LayerError) {
        if isInUse {
            throw LayerError("the upper \"\(name)\" is in use by a run; wait for its end")
        }
    }

    /// The directory that the first operand means: it, or that of a container's upper.
    ///
    /// - Returns: Also whether the container runs: it does so after the command that has made it,
    ///   and whose lock that was, has ended.
    private static func place(
        _ arguments: ParsedArguments
    ) throws(LayerError) -> (path: String, runs: Bool) {
        let operand = arguments.operands[0]
        if operand.utf8.contains(UInt8(ascii: "/")) { return (operand, false) }
        do throws(RuntimeError) {
            guard let container = try? ContainerID(operand),
                let found = try? arguments.globals.store.find(container)
            else { return (operand, false) }
            if isDirectory(operand) {
                throw RuntimeError(
                    "\"\(operand)\" is a container and a directory; write ./\(operand) for the"
                        + " directory")
            }
            guard let upper = try found.keptUpper() else {
                throw RuntimeError(
                    "the container \"\(operand)\" throws away what it writes, and nobody else sees"
                        + " it; give it vfs.overlay.upper, or run it with --diff")
            }
            return (upper, try found.report().status != .stopped)
        } catch {
            throw LayerError(error.message)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        (try? FileStatus.of(path: path).kind) == .directory
    }

    private static func open(_ path: String) throws(LayerError) -> LayerDirectory {
        do throws(Errno) {
            return LayerDirectory(try HostPath.open(path, [.readOnly, .directory]), layer: 0)
        } catch {
            throw LayerError("open \"\(path)\": \(error.words)")
        }
    }
}
