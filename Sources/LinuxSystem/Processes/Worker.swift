internal import CLinux
public import SystemPackage

/// A copy of this process that does something beside it, and is asked and answers by messages. It ends
/// with this one.
public final class Worker {
    private let child: ChildProcess
    private let channel: Channel

    /// - Parameters:
    ///   - kept: The descriptors that it keeps, beside the standard streams.
    ///   - work: Ends when nobody receives its messages any more.
    public init(
        keeping kept: [FileDescriptor], _ work: @escaping (borrowing Channel) -> Void
    ) throws(Errno) {
        let pair = try Channel.Pair()
        let far = pair.far.borrowed
        child = try ChildProcess.spawnBeside {
            Interruption.forget()
            guard (try? CurrentProcess.setDumpable(false)) != nil,
                // What this process holds open would seem to be held by the other one.
                (try? CurrentProcess.closeDescriptors(except: kept + [far])) != nil
            else { CurrentProcess.exit(1) }
            work(Channel(OwnedDescriptor(far)))
            CurrentProcess.exit(0)
        }
        channel = pair.takeNear()
    }

    public var pid: Int32 { child.pid }

    /// Readable when it has said something, or has ended.
    public var borrowed: FileDescriptor { channel.borrowed }

    public func send(_ bytes: [UInt8]) throws(Errno) { try channel.send(bytes) }

    /// Nil when it has ended.
    public func receive() throws(Errno) -> [UInt8]? { try channel.receive()?.bytes }

    /// Kills it. It ends at once but in an uninterruptible call, and is then waited for with the other
    /// children of this process.
    public func end() {
        // It may have ended by itself.
        try? child.send(signal: Signal.kill)
        let events = try? Poll.wait(
            [(child.borrowed, .readable)], until: Clock.deadline(seconds: 1), isInterruptible: false
        )
        if events?.first?.isEmpty == false { _ = try? child.wait() }
    }
}
