namespace Fpn.IlGpu.Course;

/// <summary>The axes of a tensor, outermost first: <c>new Axes(("y", 13), ("x", 21), ("c", 3))</c>.</summary>
internal sealed class Axes(params (string Name, int Extent)[] all)
{
    public int Count => all.Length;

    public int Length => all.Aggregate(1, (product, axis) => product * axis.Extent);

    public string NameOf(int axis) => all[axis].Name;

    public int ExtentOf(int axis) => all[axis].Extent;

    /// <summary>The distance in memory of neighbours along an axis.</summary>
    public int StepOf(int axis) => all.Skip(axis + 1).Aggregate(1, (product, a) => product * a.Extent);

    /// <summary>The coordinate of an element along an axis.</summary>
    public int At(int index, int axis) => index / StepOf(axis) % ExtentOf(axis);

    /// <summary>An element as a reader would write it: <c>y 2, x 0, c 1</c>.</summary>
    public string Describe(int index) => string.Join(", ", all.Select((axis, a) => $"{axis.Name} {At(index, a)}"));

    /// <inheritdoc/>
    public override string ToString() => string.Join(" × ", all.Select(axis => $"{axis.Extent} {axis.Name}"));
}
