internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// Where somebody who is not root of the machine writes what is thrown away.
extension ConfigurationBuilder {
    /// On a tmpfs, as everybody does, where it keeps `user.*` attributes (Linux 6.6): before,
    /// overlayfs cannot note on one that a directory of a layer is gone. On a disk it can, in a
    /// directory that is removed after the run.
    func placeThrowaway(_ overlay: inout Configuration.Root.Overlay) {
        guard case .throwaway(let size, let inodes) = overlay.upper, invocation.privilege != .full,
            !KernelProbe.tmpfsTakesUserAttributes
        else { return }
        if let scratch = invocation.scratch, size == nil, inodes == nil,
            ScratchUppers.canLie(in: scratch)
        {
            overlay.upper = .kept(Setting("\(scratch)/\(CurrentProcess.pid)", .rootless))
            overlay.isDiscarded = true
            return
        }
        diagnostics.warning(
            "what is written lies on a tmpfs, which before Linux 6.6 keeps no user.* attributes: a"
                + " directory of a layer can be neither removed nor replaced (EIO); --upper DIR on"
                + " ext4, xfs or btrfs is without that fault", at: diagnostics.document.root.offset)
    }
}
