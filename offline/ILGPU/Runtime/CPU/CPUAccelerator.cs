// Stand-in for CPUAccelerator of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.CPU;

/// <summary>In which order the real library runs the threads of a group; here it has no effect.</summary>
internal enum CPUAcceleratorMode
{
    Auto,
    Sequential,
    Parallel,
}

/// <summary>The CPU as an accelerator: the only one there is here.</summary>
internal sealed class CPUAccelerator : Accelerator
{
    internal CPUAccelerator(Context context, CPUDevice device)
        : base(context, device)
    {
    }

    public new CPUDevice Device => (CPUDevice)base.Device;
}
