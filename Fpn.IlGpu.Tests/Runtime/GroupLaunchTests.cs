using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tests.Runtime;

[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Gpus))]
public sealed class GroupLaunchTests(string deviceId)
{
    private Device Device => TestDevices.Open(deviceId);

    [Test]
    public void Threads_of_a_group_share_memory_and_wait_for_one_another()
    {
        const int Groups = 3;
        const int Threads = 64;
        int[] values = [.. Enumerable.Range(0, Groups * Threads).Select(i => i * i % 37)];
        using var input = Device.Upload<int>(values);
        using var output = Device.Rent<int>(values.Length);
        Device.LaunchGroups(ReverseKernel, new KernelConfig(Groups, Threads), input.View, output.View);
        Assert.That(output.Download(), Is.EqualTo(values.Chunk(Threads).SelectMany(group => group.Reverse())));
    }

    [Test]
    public void A_launch_of_no_groups_runs_nothing()
    {
        using var values = Device.Rent<int>(1);
        Assert.That(
            () => Device.LaunchGroups(ReverseKernel, new KernelConfig(0, 64), values.View, values.View), Throws.Nothing);
    }

    /// <summary>One thread = one value, moved to the mirrored position in its group.</summary>
    [GroupedKernel]
    internal static void ReverseKernel(ArrayView<int> input, ArrayView<int> output)
    {
        var shared = SharedMemory.Allocate1D<int>(64);
        shared[Group.IdxX] = input[Grid.GlobalIndex.X];
        Group.Barrier();
        output[Grid.GlobalIndex.X] = shared[Group.DimX - 1 - Group.IdxX];
    }
}
