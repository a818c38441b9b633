internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Relays connections of the container to the proxy's socket on the host: bytes, which it does not
/// look at. Nothing in it waits, and neither side can make it hold more than a few megabytes.
final class ProxyRelay {
    private let listener: OwnedDescriptor
    private let place: ProxyPlace
    private var connections: [Connection] = []
    /// Taken from the container, and not yet by the proxy, whose queue is full.
    private var waiting: OwnedDescriptor?
    /// Until when no connection is taken: no descriptor is left, or the proxy's queue is full.
    private(set) var next: UInt64?
    private var pause = ProxyRelay.shortest
    private(set) var counts = Outcome.Proxy()

    /// Each takes two descriptors and up to two buffers.
    private static let mostConnections = 64
    /// Nanoseconds until the next try, which double.
    private static let shortest: UInt64 = 2_000_000
    private static let longest: UInt64 = 256_000_000

    init(_ listener: consuming OwnedDescriptor, _ place: ProxyPlace) throws(Errno) {
        self.listener = listener
        self.place = place
        try self.listener.borrowed.setNonBlocking()
    }

    var watched: [TerminalProxy.Watched] {
        let isOpen = connections.count < ProxyRelay.mostConnections && next == nil
        var entries: [TerminalProxy.Watched] = [(isOpen ? listener.borrowed : nil, .readable)]
        for connection in connections { entries += connection.watched }
        return entries
    }

    /// - Parameter events: For what `watched` has said before.
    func handle(_ events: ArraySlice<Poll.Events>) {
        for (index, connection) in connections.enumerated() {
            let first = events.startIndex + 1 + index * 2
            connection.handle(events[first], events[first + 1])
        }
        connections.removeAll { $0.isDone }
        if let due = next {
            if Clock.nanoseconds < due { return }
            next = nil
            accept()
        } else if waiting != nil || events.first?.isEmpty == false {
            accept()
        }
    }

    /// Takes connections until there is none, or one has to wait; those behind it wait in the kernel.
    private func accept() {
        while connections.count < ProxyRelay.mostConnections {
            do throws(Errno) {
                if waiting == nil {
                    guard let near = try listener.borrowed.acceptConnection() else { return }
                    counts.connections += 1
                    waiting = consume near
                }
                let far = try place.connect()
                if let near = waiting.take() { connections.append(Connection(near, far)) }
                pause = ProxyRelay.shortest
            } catch {
                if ProxyRelay.passes(error) { return postpone() }
                guard waiting.take() != nil else { return postpone() }
                // The program finds its connection closed.
                counts.refused += 1
                counts.problem = error
            }
        }
    }

    private static func passes(_ error: Errno) -> Bool {
        [
            .resourceTemporarilyUnavailable, .tooManyOpenFiles, .tooManyOpenFilesInSystem,
            .noMemory,
            .noBufferSpace,
        ].contains(error)
    }

    private func postpone() {
        next = Clock.nanoseconds + pause
        pause = min(pause * 2, ProxyRelay.longest)
    }
}

/// A connection of the container, and the one to the proxy that it stands for.
private final class Connection {
    private let near: OwnedDescriptor
    private let far: OwnedDescriptor
    private var outward = Direction()
    private var inward = Direction()
    private(set) var isDone = false

    init(_ near: consuming OwnedDescriptor, _ far: consuming OwnedDescriptor) {
        self.near = near
        self.far = far
    }

    /// Each only where something is to be done: a side that has hung up would be told of for ever.
    var watched: [TerminalProxy.Watched] {
        func entry(
            _ socket: FileDescriptor, from: Direction, to: Direction
        ) -> TerminalProxy.Watched {
            var events: Poll.Events = []
            if from.wantsToRead { events.insert(.readable) }
            if to.wantsToWrite { events.insert(.writable) }
            return (events.isEmpty ? nil : socket, events)
        }
        return [
            entry(near.borrowed, from: outward, to: inward),
            entry(far.borrowed, from: inward, to: outward),
        ]
    }

    func handle(_ nearEvents: Poll.Events, _ farEvents: Poll.Events) {
        if nearEvents.isEmpty && farEvents.isEmpty { return }
        do throws(Errno) {
            try outward.pass(near.borrowed, far.borrowed, !nearEvents.isEmpty)
            try inward.pass(far.borrowed, near.borrowed, !farEvents.isEmpty)
            isDone = outward.isDone && inward.isDone
        } catch {
            // Reset by one side: the other one sees it closed.
            isDone = true
        }
    }
}

/// One of the two directions of a connection.
private struct Direction {
    /// Read and not yet written.
    private var bytes: ArraySlice<UInt8> = []
    private var hasEnded = false
    private(set) var isDone = false

    private static let chunk = 32768

    var wantsToRead: Bool { bytes.isEmpty && !hasEnded }
    var wantsToWrite: Bool { !bytes.isEmpty }

    mutating func pass(
        _ source: FileDescriptor, _ target: FileDescriptor, _ isReadable: Bool
    ) throws(Errno) {
        if isReadable && wantsToRead, let read = try source.readSome(Direction.chunk) {
            bytes = read[...]
            hasEnded = read.isEmpty
        }
        if !bytes.isEmpty { bytes = bytes.dropFirst(try target.sendQuietly(bytes)) }
        if hasEnded && bytes.isEmpty && !isDone {
            isDone = true
            try target.endWriting()
        }
    }
}
