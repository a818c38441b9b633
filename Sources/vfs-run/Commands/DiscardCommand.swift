internal import Layers
internal import LinuxSystem
internal import Sandbox

extension Command {
    /// `vfs-run discard NAME`
    static let discard = Command(
        name: "discard", summary: "remove kept sandboxes", operands: "NAME [NAME…]",
        details: [
            "Removes everything that runs have written in the sandbox, and what apply has kept: an"
                + " apply cannot be taken back afterwards. What was applied stays. A sandbox in use is"
                + " refused, and one whose apply was interrupted."
        ],
        run: { arguments throws(Failure) in
            for name in arguments.operands { try discard(name) }
            return 0
        })

    private static func discard(_ operand: String) throws(Failure) {
        let store = try SandboxStore.ofCaller()
        let name = try SandboxName(operand)
        let sandbox: KeptSandbox
        do throws(Failure) {
            sandbox = try store.find(name)
        } catch {
            if error.kind != .damaged { throw error }
            return try store.removeDamaged(name)
        }
        try sandbox.lock()
        var reader: OwnerReader?
        for recorded in sandbox.record.trees {
            // Of a directory that is gone nothing can be taken back.
            let isThere = try attempt(
                "stat", on: recorded.path,
                try unlessMissing(try FileStatus.of(path: recorded.path)) != nil)
            guard isThere,
                let tree = try ChangedTree(recorded, of: sandbox, &reader, locks: true)
            else { continue }
            let applied = try tree.applied()
            if try applied.isUnfinished() {
                throw Failure(
                    "an apply of \(operand.inQuotes) was interrupted; run it again, or take it back"
                        + " with apply --undo \(operand)")
            }
            try applied.removeAll()
        }
        if reader == nil { return try store.remove(sandbox) }
        // This process is the root of the ids that the files belong to.
        try store.removeDirectory(name)
    }
}
