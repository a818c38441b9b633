internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The upper of a command line, with the layers below it.
struct UpperSource {
    /// For messages.
    let name: String
    let stack: LayerStack
    /// The layers below, bottom first, as they are recorded or named.
    let layers: [String]
    /// The number of topmost layers that runs have written.
    let uppers: Int
    let isInUse: Bool
    /// Whether it is the upper of a running container, discarded at its end.
    private let isView: Bool

    /// Reads the first operand.
    ///
    /// - Parameter needsLayers: Unknown lower layers are an error.
    init(_ arguments: ParsedArguments, needsLayers: Bool = true) throws(Failure) {
        switch try UpperSource.place(arguments) {
        case .view(let view): try self.init(view, arguments)
        case .directory(let path): try self.init(in: path, arguments, needsLayers)
        }
    }

    /// The upper of a running container.
    private init(_ view: StoredContainer.View, _ arguments: ParsedArguments) throws(Failure) {
        name = arguments.operands[0]
        if arguments.value(.since) != nil {
            throw Failure(
                "the container \"\(name)\" has no snapshots: its upper is discarded; remove"
                    + " --since")
        }
        let named = arguments.values(.belowUpper)
        (uppers, isInUse, isView) = (1, true, true)
        var stack = try LayerStack(
            uppers: [view.root], over: named.isEmpty ? view.layers : named,
            marks: view.hasUserAttributes ? .user : OverlayMarks.own, isView: true)
        stack.owners = view.owners
        self.stack = stack
        layers = named.isEmpty ? view.layers : named
    }

    /// A directory of `--upper`, or the upper directory of any overlay.
    private init(
        in path: String, _ arguments: ParsedArguments, _ needsLayers: Bool
    ) throws(Failure) {
        name = arguments.operands[0]
        isView = false
        if try !UpperSource.isDirectory(path) {
            throw Failure(
                "\"\(path)\" is neither a kept sandbox, a directory nor a container; name a sandbox of"
                    + " \"vfs-run list --sandboxes\", or a directory of --upper")
        }
        var layers = arguments.values(.belowUpper)
        var marks = OverlayMarks.own
        var opened: [LayerDirectory] = []
        var owners: IDMappings?
        var isSinceSnapshot = false
        let hasUpper = try UpperSource.isDirectory("\(path)/upper")
        let hasWork = try UpperSource.isDirectory("\(path)/work")
        if hasUpper && hasWork {
            let kept = try KeptUpper(opening: path)
            isInUse = try kept.isInUse()
            let (above, frozen) = try kept.uppers(since: arguments.value(.since))
            opened = above
            if let record = try kept.record() {
                if layers.isEmpty { layers = record.layers }
                marks = record.marks
                // Otherwise unreadable files are reported later.
                let isOwner = (try? MappedOwners.become(record.owners)) ?? false
                if !isOwner { owners = record.owners }
            }
            layers += frozen
            isSinceSnapshot = !frozen.isEmpty
        } else {
            opened = [try UpperSource.open(path)]
            marks = try LayerStack(looking: opened).marks
            isInUse = false
        }
        if arguments.has(.userAttributes) { marks = .user }
        if layers.isEmpty && needsLayers {
            throw Failure(
                "\"\(path)\" has no record of the layers below it; name them with --layer, bottom"
                    + " first")
        }
        var stack = try LayerStack(uppers: opened, over: layers, marks: marks)
        stack.owners = owners
        // An upper above a snapshot has the root directory of the snapshot.
        if isSinceSnapshot { stack.rootLayer = stack.roots[opened.count] }
        self.stack = stack
        self.layers = layers
        uppers = opened.count
    }

    var warning: String {
        isView
            ? "the container \"\(name)\" is running: its files can change while they are read"
            : "the upper \"\(name)\" is in use by a run: its files can change while they are read"
    }

    /// Requires that no run writes to the upper while this object exists. An upper that is discarded
    /// exists only during the run.
    func requireUnused() throws(Failure) {
        if isInUse && !isView {
            throw Failure(
                "the upper \"\(name)\" is in use by a run; wait for the end of the run")
        }
    }

    private enum Place {
        case directory(String)
        case view(StoredContainer.View)
    }

    /// The place of the first operand: a directory, or the upper of a container.
    private static func place(_ arguments: ParsedArguments) throws(Failure) -> Place {
        let operand = arguments.operands[0]
        if operand.utf8.contains(UInt8(ascii: "/")) { return .directory(operand) }
        guard let container = try? ContainerID(operand),
            let found = try find(container, arguments)
        else { return .directory(operand) }
        if try isDirectory(operand) {
            throw Failure(
                "\"\(operand)\" is both a container and a directory; write ./\(operand) for the"
                    + " directory")
        }
        if let upper = try found.keptUpper() { return .directory(upper) }
        return .view(try found.view())
    }

    /// nil if no container has this id.
    private static func find(
        _ container: ContainerID, _ arguments: ParsedArguments
    ) throws(Failure) -> StoredContainer? {
        do throws(Failure) {
            return try arguments.globals.store.find(container)
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    private static func isDirectory(_ path: String) throws(Failure) -> Bool {
        do throws(Errno) {
            return try FileStatus.of(path: path).kind == .directory
        } catch .noSuchFileOrDirectory {
            return false
        } catch .notDirectory {
            return false
        } catch {
            // Treated as missing, another layer would be read in its place.
            throw Failure("stat", path.inQuotes, error)
        }
    }

    private static func open(_ path: String) throws(Failure) -> LayerDirectory {
        LayerDirectory(
            try attempt("open", on: path, try HostPath.open(path, [.readOnly, .directory])),
            layer: 0)
    }
}
