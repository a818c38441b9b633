package import LinuxSystem
package import SystemPackage

/// The runtime process's end of the way on which the init tells how the program has ended. The init
/// waits until it is closed.
package final class InitReport {
    private let channel: Channel

    init(_ channel: consuming Channel) {
        self.channel = channel
    }

    package var borrowed: FileDescriptor { channel.borrowed }

    /// Nil where the init has ended without a word.
    package func end() throws(Errno) -> ToldEnd? {
        guard let message = try channel.receive() else { return nil }
        return ToldEnd(report: message.bytes)
    }
}
