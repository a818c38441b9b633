public import LinuxSystem
internal import SystemPackage

/// One thing that a start does.
///
/// A step is data: it can be printed, compared and timed without being carried out. What it
/// needs to know it was given when it was planned; what steps hand to one another goes through
/// the `StartContext`.
public protocol Step: Sendable {
    /// Which process carries it out.
    var side: Side { get }
    /// What it does, in words a config's author knows: `mount proc on /proc nosuid,nodev`.
    var summary: String { get }
    /// How it goes away again.
    var undoing: String { get }
    /// - Throws: The sentence for the user. A step that throws has left nothing behind that the
    ///   end of the two processes does not take with it.
    func apply(_ context: StartContext) throws(StepError)
}

/// The two processes of a start.
public enum Side: String, Sendable, Hashable {
    /// The runtime process, on the host.
    case runtime
    /// The init process, in the container's namespaces.
    case container
}

/// The step between the two halves of the list: it makes the process that takes the second one.
protocol SpawningStep: Step {
    /// Makes it.
    ///
    /// - Parameters:
    ///   - channel: The runtime's end of the channel, and `far` the other one, for a process in
    ///     between.
    ///   - body: What it does; never returns.
    func spawn(
        _ context: StartContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(StepError) -> ChildProcess
}

extension SpawningStep {
    var side: Side { .runtime }
    func apply(_ context: StartContext) throws(StepError) {}
}

extension Step {
    public var undoing: String {
        side == .container ? "goes with the container" : "goes with the runtime process"
    }
}

/// The former name.
public typealias StepError = Failure

/// Runs calls of a step; what fails becomes its error.
@inline(__always)
func stepping<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String = "",
    advice: (Errno) -> String? = { _ in nil },
    _ body: () throws(Errno) -> Value
) throws(StepError) -> Value {
    do {
        return try body()
    } catch {
        throw StepError(SystemCallError(call(), subject(), error), advice(error))
    }
}
