using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The sizes of a picture before and after it is resized for the network, which map px of the picture to px of the input and back. A map of
/// stride s has the input's px (s · x, s · y) at (x, y).
/// </summary>
/// <param name="Width">The picture's width, in px.</param>
/// <param name="Height">The picture's height, in px.</param>
/// <param name="ResizedWidth">Its width in the input, in px.</param>
/// <param name="ResizedHeight">Its height in the input, in px.</param>
public readonly record struct PictureFrame(int Width, int Height, int ResizedWidth, int ResizedHeight)
{
    /// <summary>Converts a box from px of the picture to px of the input.</summary>
    public Box ToInputPx(Box boxImagePx) => Scale(boxImagePx, (float)ResizedWidth / Width, (float)ResizedHeight / Height);

    /// <summary>Converts a box from px of the input to px of the picture.</summary>
    public Box ToImagePx(Box boxInputPx) => Scale(boxInputPx, (float)Width / ResizedWidth, (float)Height / ResizedHeight);

    private static Box Scale(Box box, float x, float y) => new(box.X1 * x, box.Y1 * y, box.X2 * x, box.Y2 * y);
}
