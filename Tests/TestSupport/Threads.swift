import Glibc
import LinuxSystem
import SystemPackage

/// Runs `body` on a thread with a mount namespace of its own: what it mounts nobody else sees,
/// and it goes with the thread. The working directory is the thread's own, too.
public func withPrivateMounts<Value>(_ body: @escaping () throws -> Value) throws -> Value {
    try onThread {
        try unshareMounts()
        try MountTree.setRootPropagation(.private, recursive: true)
        return try body()
    }
}

/// Runs `body` on a thread of its own and waits for it: what it changes about the thread, as its
/// signal mask, goes with it.
public func onThread<Value>(_ body: @escaping () throws -> Value) throws -> Value {
    var result = Result<Value, any Error>.failure(Errno.canceled)
    let work = Work { result = Result(catching: body) }
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { context in
            if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, Unmanaged.passRetained(work).toOpaque())
    if code != 0 { throw Errno(rawValue: code) }
    pthread_join(thread, nil)
    return try result.get()
}

private final class Work {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}

/// A thread may do this alone (unshare(2), `CLONE_NEWNS`). Swift imports no `unshare`.
private func unshareMounts() throws {
    typealias Unshare = @convention(c) (CInt) -> CInt
    let function = unsafeBitCast(dlsym(nil, "unshare"), to: Unshare.self)
    if function(0x20000) != 0 { throw Errno(rawValue: errno) }
}
