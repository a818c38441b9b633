internal import LinuxSystem
internal import SystemPackage

// The steps of one apply, forward and back.
extension AppliedChanges {
    func executor(
        _ transaction: Transaction, isForced: Bool, isResumed: Bool
    ) throws(Failure) -> ApplyExecutor {
        let store: ApplyStore
        if let found = transaction.store {
            store = found
        } else {
            store = try remakeStore(transaction)
        }
        return ApplyExecutor(tree, store, own, isResumed: isResumed) { [begun, own] status in
            guard !isForced, let begun, status.changed >= begun, !own.isOwn(status) else {
                return nil
            }
            return "it has changed"
        }
    }

    /// A store that was removed because nothing was in it.
    private func remakeStore(_ transaction: Transaction) throws(Failure) -> ApplyStore {
        let directory = try attempt(
            "open", on: place(transaction.number),
            try folder.borrowed.open(
                AppliedChanges.name(transaction.number), [.readOnly, .directory]))
        return try makeStore(transaction, LayerDirectory(directory, layer: 0))
    }

    func carryOut(
        _ transaction: Transaction, _ isForced: Bool, isResumed: Bool = false,
        _ report: @escaping Report
    ) throws(Failure) {
        var executor = try executor(transaction, isForced: isForced, isResumed: isResumed)
        @discardableResult
        func perform(_ step: ApplyStep) throws(Failure) -> Bool {
            try attempt("poll", on: step.path, try Interruption.check())
            guard let refusal = try executor.carryOut(step) else { return true }
            try report(.left(step.path, isDirectory: step.isOfDirectory, refusal))
            return false
        }
        do throws(Failure) {
            // A directory that becomes writable for its owner does so before the steps in it.
            try forEachStep(transaction) { step throws(Failure) in
                if step.opensDirectory(forward: true) { try perform(step) }
            }
            try forEachStep(transaction) { step throws(Failure) in
                if !step.isOfDirectory { try perform(step) }
            }
            try forEachStep(transaction) { step throws(Failure) in
                guard case .attributes(let path, let old, _, let after) = step,
                    step.isOfDirectory
                else { return }
                guard try perform(step), let time = after.modified else { return }
                try executor.setTime(of: path, old, to: time)
            }
        } catch {
            throw error.advised(
                "the same command goes on, and \"apply --undo\" takes back what was done")
        }
        try own.flush()
        try transaction.journal.append(.mark(.committed))
        try transaction.journal.flush()
        if let name = transaction.header.store.flatMap({ FileName($0) }) {
            try removeEmptyStore(name, storePath(transaction))
        }
    }

    func takeBack(
        _ transaction: Transaction, _ isForced: Bool, _ report: @escaping Report
    ) throws(Failure) {
        let isResumed = transaction.mark == .staged || transaction.mark == .undoing
        var executor = try executor(transaction, isForced: isForced, isResumed: isResumed)
        var offsets: [Int64] = []
        try transaction.journal.forEach { offset, record in
            if case .step = record { offsets.append(offset) }
        }
        try transaction.journal.append(.mark(.undoing))
        try transaction.journal.flush()
        var isWhole = true
        func backward(
            _ body: (ApplyStep) throws(Failure) -> Void
        ) throws(Failure) {
            for offset in offsets.reversed() {
                if case .step(let step) = try transaction.journal.record(at: offset) {
                    try body(step)
                }
            }
        }
        @discardableResult
        func perform(_ step: ApplyStep) throws(Failure) -> Bool {
            try attempt("poll", on: step.path, try Interruption.check())
            if let refusal = try executor.takeBack(step, isForced: isForced) {
                isWhole = false
                try report(.left(step.path, isDirectory: step.isOfDirectory, refusal))
                return false
            } else if !step.isOfDirectory {
                try report(.change(.unchanged, step.path, isDirectory: false))
            }
            return true
        }
        try backward { step throws(Failure) in
            if step.opensDirectory(forward: false) { try perform(step) }
        }
        try backward { step throws(Failure) in
            if !step.isOfDirectory { try perform(step) }
        }
        try backward { step throws(Failure) in
            guard case .attributes(let path, let old, let before, _) = step, step.isOfDirectory
            else { return }
            guard try perform(step), let time = before.modified else { return }
            try executor.setTime(of: path, old, to: time)
        }
        try own.flush()
        // What could not be taken back stays applied.
        try transaction.journal.append(.mark(isWhole ? .undone : .committed))
        try transaction.journal.flush()
        if isWhole { try remove(transaction) }
    }

    func forEachStep(
        _ transaction: Transaction, _ body: (ApplyStep) throws(Failure) -> Void
    ) throws(Failure) {
        try transaction.journal.forEach { _, record throws(Failure) in
            if case .step(let step) = record { try body(step) }
        }
    }
}

extension ApplyStep {
    /// Whether it gives the owner of a directory the right to write to it.
    func opensDirectory(forward: Bool) -> Bool {
        guard isOfDirectory, case .attributes(_, _, let before, let after) = self else {
            return false
        }
        let (old, new) = forward ? (before, after) : (after, before)
        return old.mode & 0o300 != 0o300 && new.mode & 0o300 == 0o300
    }
}
