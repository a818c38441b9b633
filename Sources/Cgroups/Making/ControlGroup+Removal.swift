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
        // A container may make cgroups in its own, as deep as it likes.
        var found = [path]
        var next = 0
        while next < found.count {
            let place = found[next]
            next += 1
            do throws(Failure) {
                let below = try attempt("readdir", on: place, try HostPath.directories(in: place))
                found += below.map { "\(place)/\($0)" }
            } catch {
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        }
        // Children come behind their parents.
        for place in found.reversed() { try removeEmpty(place) }
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
