public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Removes it, with what is below it. One that is gone is fine.
    ///
    /// - Throws: `EBUSY` when processes are still in it after about a second.
    public func remove() throws(Failure) {
        anchor?.end()
        if let unit { stopUnit(unit) }
        var failure: Failure?
        for (_, path) in paths {
            do throws(Failure) {
                try ControlGroup.remove(path)
            } catch {
                failure = failure ?? error
            }
        }
        for parent in parents.reversed() {
            do throws(Errno) {
                try HostPath.removeDirectory(parent)
            } catch .resourceBusy, .directoryNotEmpty, .noSuchFileOrDirectory {
                // Other groups or processes are in it by now, or it is gone.
            } catch {
                failure = failure ?? Failure("rmdir", "\"\(parent)\"", error)
            }
        }
        if let failure { throw failure }
    }

    private static func remove(_ path: String) throws(Failure) {
        // As a rule there is nothing in it.
        if removed(path) == nil { return }
        do throws(Errno) {
            try removeBelow(path)
        } catch .noSuchFileOrDirectory {
            // It is gone, or others remove it too.
        } catch {
            throw Failure("rmdir", "below \"\(path)\"", error)
        }
        try removeEmpty(path)
    }

    /// A container may make cgroups in its own as deep as it likes, and with names longer than a path
    /// may be: by descriptors, two at a time.
    private static func removeBelow(_ path: String) throws(Errno) {
        var here = HeldDirectory(try HostPath.open(path, [.readOnly, .directory]))
        var names: [String] = []
        while true {
            if let (name, child) = try firstChild(of: here.borrowed) {
                here = child
                names.append(name)
                continue
            }
            guard let name = names.popLast() else { return }
            here = HeldDirectory(try here.borrowed.open("..", [.readOnly, .directory]))
            var pause: UInt64 = 100
            while true {
                do throws(Errno) {
                    try here.borrowed.removeDirectory(name)
                    break
                } catch .noSuchFileOrDirectory {
                    break
                } catch .resourceBusy where pause <= 500_000 {
                    Clock.sleep(microseconds: pause)
                    pause *= 2
                }
            }
        }
    }

    private static func firstChild(
        of directory: FileDescriptor
    ) throws(Errno) -> (String, HeldDirectory)? {
        for name in try directory.entries() {
            do throws(Errno) {
                let child = try directory.open(name, [.readOnly, .directory])
                return (name, HeldDirectory(child))
            } catch .notDirectory {
            } catch .noSuchFileOrDirectory {
            }
        }
        return nil
    }

    private final class HeldDirectory {
        private let descriptor: OwnedDescriptor
        var borrowed: FileDescriptor { descriptor.borrowed }
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private static func removeEmpty(_ path: String) throws(Failure) {
        // A process that has ended stays in its cgroup for a moment.
        var pause: UInt64 = 100
        while let error = removed(path) {
            if error != .resourceBusy || pause > 500_000 {
                throw Failure("rmdir", "\"\(path)\"", error)
            }
            Clock.sleep(microseconds: pause)
            pause *= 2
        }
    }

    /// Nil when it is gone.
    private static func removed(_ path: String) -> Errno? {
        do throws(Errno) {
            try HostPath.removeDirectory(path)
            return nil
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            return error
        }
    }
}
