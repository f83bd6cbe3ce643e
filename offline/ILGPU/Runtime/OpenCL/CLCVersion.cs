// Stand-in for CLCVersion of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.OpenCL;

/// <summary>A version of OpenCL C.</summary>
internal readonly record struct CLCVersion(int Major, int Minor) : IComparable<CLCVersion>
{
    public static readonly CLCVersion CL10 = new(1, 0);
    public static readonly CLCVersion CL11 = new(1, 1);
    public static readonly CLCVersion CL12 = new(1, 2);
    public static readonly CLCVersion CL20 = new(2, 0);
    public static readonly CLCVersion CL30 = new(3, 0);

    public int CompareTo(CLCVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    public static bool operator <(CLCVersion first, CLCVersion second) => first.CompareTo(second) < 0;

    public static bool operator <=(CLCVersion first, CLCVersion second) => first.CompareTo(second) <= 0;

    public static bool operator >(CLCVersion first, CLCVersion second) => first.CompareTo(second) > 0;

    public static bool operator >=(CLCVersion first, CLCVersion second) => first.CompareTo(second) >= 0;
}
