internal import LinuxSystem

/// The values that a step gives to those behind it.
///
/// A step declares what it needs and what it gives. `PlannedSteps` holds a plan to it when the plan
/// is made; a unit test holds the steps' sources to what they declare.
struct Provisions: OptionSet, Sendable {
    let rawValue: UInt32

    // Of the runtime process.

    /// The directory of the container's state, and the state itself.
    static let container = Provisions(rawValue: 1 << 0)
    /// The layers and the upper's directories, as they were locked.
    static let layers = Provisions(rawValue: 1 << 1)
    /// The upper that is kept.
    static let keptUpper = Provisions(rawValue: 1 << 2)
    /// The id mappings of a user namespace that is joined.
    static let idMappings = Provisions(rawValue: 1 << 3)
    static let seccompFilter = Provisions(rawValue: 1 << 4)
    /// The hierarchies of control groups.
    static let controlGroups = Provisions(rawValue: 1 << 5)
    /// The container's own.
    static let controlGroup = Provisions(rawValue: 1 << 6)
    static let resctrlGroup = Provisions(rawValue: 1 << 7)
    /// The root's tree, attached nowhere.
    static let rootTree = Provisions(rawValue: 1 << 8)
    /// The init process.
    static let process = Provisions(rawValue: 1 << 9)

    // Of the init process.

    /// The way to the runtime process.
    static let channel = Provisions(rawValue: 1 << 10)
    /// The sources of bind mounts.
    static let bindSources = Provisions(rawValue: 1 << 11)
    /// The cgroups that are bound.
    static let controlGroupTrees = Provisions(rawValue: 1 << 12)
    /// The container's root.
    static let root = Provisions(rawValue: 1 << 13)
    /// The upper of the overlay that is mounted.
    static let mountedUpper = Provisions(rawValue: 1 << 14)
    /// The container's end of its terminal.
    static let terminal = Provisions(rawValue: 1 << 15)
    /// The limit of processes before it was lifted.
    static let processLimit = Provisions(rawValue: 1 << 16)
    /// The procfs through which the fifo of the start is opened.
    static let gate = Provisions(rawValue: 1 << 17)
    /// Where the filter's notifications are read.
    static let listener = Provisions(rawValue: 1 << 18)
    /// Where the init tells how the program has ended.
    static let report = Provisions(rawValue: 1 << 19)
    static let landlockRules = Provisions(rawValue: 1 << 20)

    /// The files of the host whose content is copied.
    static let fileSources = Provisions(rawValue: 1 << 25)

    /// The directory of a checkpoint.
    static let images = Provisions(rawValue: 1 << 26)
    /// The way to criu.
    static let conversation = Provisions(rawValue: 1 << 27)
    /// Where criu finds the container's trees.
    static let stage = Provisions(rawValue: 1 << 28)

    private static let names: [(Provisions, String)] = [
        (.container, "container"), (.layers, "layers"), (.keptUpper, "kept upper"),
        (.idMappings, "id mappings"), (.seccompFilter, "seccomp filter"),
        (.controlGroups, "control group hierarchies"), (.controlGroup, "control group"),
        (.resctrlGroup, "resctrl group"), (.rootTree, "root tree"), (.process, "init process"),
        (.channel, "channel"), (.bindSources, "bind sources"),
        (.controlGroupTrees, "control group trees"), (.root, "root"),
        (.mountedUpper, "mounted upper"), (.terminal, "terminal"),
        (.processLimit, "process limit"), (.gate, "gate"), (.listener, "seccomp listener"),
        (.report, "report of the init"), (.landlockRules, "Landlock rules"),
        (.fileSources, "sources of files"), (.images, "images"),
        (.conversation, "conversation with criu"), (.stage, "stage"),
    ]

    /// For messages.
    var words: String {
        Provisions.names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
    }
}

extension Optional {
    /// The value that a step before has given.
    ///
    /// - Throws: Never in a plan that was made: the step would have been refused there.
    func given(_ provision: Provisions) throws(Failure) -> Wrapped {
        guard let self else {
            throw Failure("no step before has given the \(provision.words)")
        }
        return self
    }
}
