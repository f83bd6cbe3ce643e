using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="NonMaximumSuppression"/> on a CPU. The boxes kept so far are stored as arrays of their corners, so that a box is compared
/// with many of them at a time, and only until one of them suppresses it.
/// </summary>
internal static class NmsOnCpu
{
    [ThreadStatic]
    private static Kept? kept;

    public static void Run(Device device, BoxLists lists, ArrayView<float> scores, NmsSettings settings)
        => device.Launch(Kernel, (int)lists.Counts.Length, lists, settings, scores);

    /// <summary>One thread = one segment, from its best box down.</summary>
    [CpuKernel]
    internal static void Kernel(Index1D segment, BoxLists lists, NmsSettings settings, ArrayView<float> scores)
        => Suppress(segment, lists, settings, scores);

    /// <summary>Suppresses boxes of one segment.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Suppress(int segment, BoxLists lists, NmsSettings settings, ArrayView<float> scores)
    {
        var count = lists.Counts[segment];
        var before = kept ??= new Kept();
        before.Clear(count);
        for (var i = 0; i < count; i++)
        {
            var row = segment * settings.Capacity + i;
            if (scores[row] < 0)
                continue;
            var box = lists.Boxes[row];
            var classId = settings.ByClass != 0 ? lists.ClassIds[row] : 0;
            if (before.AnyOver(settings.Threshold, box, classId))
                scores[row] = NonMaximumSuppression.Dropped;
            else
                before.Add(box, classId);
        }
    }

    /// <summary>The boxes kept so far. The arrays are one vector longer than needed; what is beyond the last box is arbitrary.</summary>
    private sealed class Kept
    {
        private float[] x1 = [];
        private float[] y1 = [];
        private float[] x2 = [];
        private float[] y2 = [];
        private float[] area = [];
        private int[] classIds = [];
        private int count;

        public void Clear(int most)
        {
            count = 0;
            var room = most + Vector<float>.Count;
            if (x1.Length >= room)
                return;
            (x1, y1, x2, y2, area, classIds) =
                (new float[room], new float[room], new float[room], new float[room], new float[room], new int[room]);
        }

        public void Add(Tensors.Box box, int classId)
        {
            (x1[count], y1[count], x2[count], y2[count]) = (box.X1, box.Y1, box.X2, box.Y2);
            area[count] = box.Area;
            classIds[count] = classId;
            count++;
        }

        /// <summary>Whether the IoU of a box with any kept box of its class is over a threshold.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public bool AnyOver(float threshold, Tensors.Box box, int classId)
        {
            // Broadcast here once: otherwise the loop would broadcast them in every iteration.
            var (ownX1, ownY1) = (new Vector<float>(box.X1), new Vector<float>(box.Y1));
            var (ownX2, ownY2) = (new Vector<float>(box.X2), new Vector<float>(box.Y2));
            var (ownArea, ownClass) = (new Vector<float>(box.Area), new Vector<int>(classId));
            var limit = new Vector<float>(threshold);
            for (var i = 0; i < count; i += Vector<float>.Count)
            {
                var w = Vector.Max(Vector<float>.Zero, Vector.Min(new(x2, i), ownX2) - Vector.Max(new(x1, i), ownX1));
                var h = Vector.Max(Vector<float>.Zero, Vector.Min(new(y2, i), ownY2) - Vector.Max(new(y1, i), ownY1));
                var shared = w * h;
                var joint = new Vector<float>(area, i) + ownArea - shared;
                var over = Vector.GreaterThan(shared / joint, limit) & Vector.GreaterThan(joint, Vector<float>.Zero)
                    & Vector.Equals(new Vector<int>(classIds, i), ownClass);
                if (over != Vector<int>.Zero && (i + Vector<float>.Count <= count || AnyOfFirst(over, count - i)))
                    return true;
            }
            return false;
        }

        private static bool AnyOfFirst(Vector<int> over, int lanes)
        {
            for (var lane = 0; lane < lanes; lane++)
            {
                if (over[lane] != 0)
                    return true;
            }
            return false;
        }
    }
}
