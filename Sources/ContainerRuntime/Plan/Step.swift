internal import LinuxSystem
internal import SystemPackage

/// One thing that a start does.
///
/// A step is data: it can be printed, compared and timed without being carried out. What it
/// needs to know it was given when it was planned; what steps hand to one another goes through
/// the context of the process that takes them.
///
/// A new one is a file of its own below `Steps`, and a line in the section that plans it.
public protocol Step: Sendable {
    /// The manual of this kind of step.
    static var manual: StepManual { get }
    /// Its effect, in words that a config's author knows: `mount proc on /proc nosuid,nodev`.
    var summary: String { get }
    /// How it goes away again.
    var undoing: String { get }
    /// The commands of a shell that have its effect; none where only a program that makes the calls
    /// itself has it.
    func shell(_ commands: inout ShellCommands)
    /// Where the container sees the mount that it makes; nil where it makes none.
    var mountpoint: String? { get }
    /// What it is about, which no other step of its kind is about.
    var subject: String? { get }
}

extension Step {
    public func shell(_ commands: inout ShellCommands) {}
}

/// The two processes of a start.
public enum Side: String, Sendable, Hashable {
    /// The runtime process, on the host.
    case runtime
    /// The init process, in the container's namespaces.
    case container
}

/// A step that says what it needs and gives; every one does.
protocol SuppliedStep: Step {
    var needs: Provisions { get }
    var gives: Provisions { get }
}

extension SuppliedStep {
    var needs: Provisions { [] }
    var gives: Provisions { [] }
}

/// A step of the runtime process.
protocol RuntimeStep: SuppliedStep {
    /// - Throws: The sentence for the user. A step that throws has left nothing behind that the
    ///   end of the two processes, or an `Undoing`, does not take with it.
    func apply(_ context: RuntimeContext) throws(Failure)
}

/// A step of the runtime process that does something to the init process, which waits for it.
protocol TurnStep: SuppliedStep {
    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure)
}

/// The step between the two halves of the list: it makes the process that takes the second one.
protocol SpawningStep: SuppliedStep {
    /// Makes it.
    ///
    /// - Parameters:
    ///   - channel: The runtime's end of the channel, and `far` the other one, for a process in
    ///     between.
    ///   - body: What it does; never returns.
    func spawn(
        _ context: RuntimeContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(Failure) -> ChildProcess
}

/// A step of the init process.
protocol ContainerStep: SuppliedStep {
    func apply(_ context: ContainerContext) throws(Failure)
}

extension RuntimeStep {
    public var undoing: String { "goes with the runtime process" }
}

extension TurnStep {
    public var undoing: String { "goes with the runtime process" }
}

extension SpawningStep {
    public var undoing: String { "goes with the runtime process" }
    var gives: Provisions { [.process, .channel] }
}

extension ContainerStep {
    public var undoing: String { "goes with the container" }
}
