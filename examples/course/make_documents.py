"""Writes the PDF and the DOCX of the example course: `python examples/course/make_documents.py`, then commit them."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import docx
from docx.document import Document as Docx
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, ListFlowable, ListItem, PageTemplate, Paragraph

HERE = Path(__file__).parent
MARGIN = 70

#: A block is a heading (level, text), a paragraph, or a list.
Block = tuple[int, str] | str | Sequence[str]

VIEWS: tuple[Block, ...] = (
    (0, "Представления и витрины"),
    "Хороший запрос живёт дольше отчёта, для которого его написали. Его копируют в соседний отчёт, правят, "
    "копируют снова, и через полгода в компании пять определений выручки. Представления дают запросу имя и "
    "место, где его можно найти и исправить один раз.",
    (1, "Обычные представления"),
    "Представление — это запрос, сохранённый под именем. Данных в нём нет: каждый раз, когда к нему "
    "обращаются, сервер подставляет вместо имени сам запрос и планирует всё вместе. Поэтому представление не "
    "бывает устаревшим и не занимает места.",
    "Договоритесь, что в отчётах таблицы заказов не читают напрямую. Пусть представление отбросит тестовые и "
    "отменённые заказы, переведёт суммы в рубли и назовёт столбцы словами, понятными заказчику отчёта. Тогда "
    "изменение правил потребует исправить одно место, а не искать все запросы, в которых правило повторено.",
    "Не стройте представления одно на другом в пять этажей. Планировщик видит их все сразу и справляется, но "
    "человек, который ищет причину неожиданного числа, пройдёт эти пять этажей пешком.",
    (1, "Материализованные представления"),
    "Материализованное представление хранит результат запроса как таблицу. Чтение становится быстрым, на нём "
    "можно построить индексы, а платить приходится свежестью: данные в нём такие, какими были при последнем "
    "обновлении.",
    "Обновление перечитывает запрос целиком. Обычное обновление закрывает представление для чтения, пока оно "
    "идёт; одновременное не закрывает, но требует уникального индекса и занимает больше времени. Для ночного "
    "обновления достаточно первого, для обновления посреди рабочего дня выберите второе.",
    "Прежде чем материализовать, ответьте на три вопроса:",
    (
        "насколько старыми могут быть данные, чтобы отчёт оставался верным;",
        "кто и по какому расписанию будет обновлять представление;",
        "откуда читатель отчёта узнает, когда обновление прошло в последний раз.",
    ),
    "Последний вопрос забывают чаще всего. Добавьте в представление столбец со временем обновления и "
    "показывайте его в отчёте.",
    (1, "Устройство витрины"),
    "Витриной называют набор таблиц, подготовленных для отчётов. В середине стоит таблица фактов: по строке "
    "на событие, со временем, числами и ключами. Вокруг неё стоят справочники: товары, покупатели, магазины. "
    "Запрос к витрине почти всегда выглядит одинаково: соединить факты с двумя справочниками, отобрать "
    "период, сгруппировать и сложить.",
    "Выберите зерно витрины и запишите его одним предложением: строка — это один товар в одном заказе. Всё, "
    "что не относится к этому зерну, хранят отдельно. Стоимость доставки относится к заказу, а не к товару, и"
    " если положить её в ту же строку, при сложении она умножится на число товаров.",
    "Справочники меняются: магазин переезжает в другой регион, книга переходит в другую категорию. Решите "
    "заранее, должен ли прошлогодний отчёт показать прежний регион. Если должен, храните в справочнике не "
    "одну строку на магазин, а по строке на каждый период, и соединяйте факты с той, что действовала в день "
    "события.",
)

CHARTS: tuple[Block, ...] = (
    (0, "Как показать результат"),
    "Запрос отвечает числами, а заказчик отчёта принимает решение. Между ними стоит показ: таблица, график "
    "или одно предложение. Плохой показ обесценивает верный запрос быстрее, чем ошибка в нём.",
    (1, "Таблица или график"),
    "Таблицу выбирают, когда важны точные числа и читатель будет искать в ней свою строку. График выбирают, "
    "когда важна форма: рост, провал, разброс, связь. Если форму можно описать одним предложением, напишите "
    "это предложение над графиком.",
    "Время идёт слева направо. Величины, которые сравнивают между собой, показывают столбцами, и столбцы "
    "начинаются с нуля: обрезанная ось превращает разницу в два процента в двукратную. Линиями соединяют "
    "только то, между чем есть промежуточные значения.",
    (1, "Числа, которым верят"),
    "Округляйте до того знака, который влияет на решение. Выручка в копейках не точнее выручки в тысячах, она"
    " только труднее читается. Доли сопровождайте количеством: половина от двух покупателей и половина от "
    "двух тысяч — разные новости.",
    "Рядом с числом поставьте то, с чем его сравнить: прошлый период, план, средний магазин. Число без соседа"
    " заставляет читателя вспоминать, и вспоминает он не всегда верно.",
    "Проверьте подписи. У каждого столбца должны быть названы единица, период и источник:",
    (
        "единица: рубли или тысячи рублей, заказы или строки заказов;",
        "период: календарный месяц или последние тридцать дней;",
        "источник: витрина, представление или выгрузка, и дата, на которую она сделана.",
    ),
    (1, "Разговор с заказчиком"),
    "Начните с ответа, а не с метода. Первое предложение отвечает на вопрос, второе говорит, насколько ответу"
    " можно доверять, и только третье рассказывает, как он получен. Метод понадобится, когда ответ не "
    "понравится.",
    "Если данные не позволяют ответить, так и скажите и предложите вопрос, на который ответить можно. Честное"
    " «не знаем, почему покупатели ушли, но знаем, когда» полезнее графика, который показывает совпадение и "
    "намекает на причину.",
)


class Book(BaseDocTemplate):  # type: ignore[misc]  # reportlab is untyped
    """Pages with a running head and a number; headings are bookmarked."""

    def __init__(self, path: Path, title: str) -> None:
        super().__init__(str(path), pagesize=A4, title=title, lang="ru", invariant=1)
        self._title = title
        frame = Frame(MARGIN, MARGIN, A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN)
        self.addPageTemplates(PageTemplate("page", frame, onPage=self._decorate))

    def _decorate(self, canvas: Canvas, _: object) -> None:
        canvas.setFont("Sans", 8)
        canvas.drawString(MARGIN, A4[1] - 40, f"PostgreSQL для аналитика. {self._title}")
        canvas.drawRightString(A4[0] - MARGIN, 36, str(canvas.getPageNumber()))

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        level = {"heading0": 0, "heading1": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is not None:
            text = flowable.getPlainText()
            self.canv.bookmarkPage(text)
            self.canv.addOutlineEntry(text, text, level)


def write_pdf(path: Path, blocks: Sequence[Block]) -> None:
    for name, file in (("Sans", "PT_Sans-Web-Regular.ttf"), ("Sans-Bold", "PT_Sans-Web-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(files("fontpkg_pt_sans") / "files" / file)))
    text = ParagraphStyle("text", fontName="Sans", fontSize=11, leading=16, alignment=TA_JUSTIFY, spaceAfter=8)
    headings = [
        ParagraphStyle(
            f"heading{level}", fontName="Sans-Bold", fontSize=size, leading=size * 1.3, spaceBefore=14, spaceAfter=8
        )
        for level, size in enumerate((20, 14))
    ]
    story: list[Flowable] = []
    for block in blocks:
        if isinstance(block, str):
            story.append(Paragraph(block, text))
        elif isinstance(block[0], int):
            story.append(Paragraph(str(block[1]), headings[block[0]]))
        else:
            items = [ListItem(Paragraph(str(item), text)) for item in block]
            story.append(ListFlowable(items, bulletType="bullet", bulletFontName="Sans", start="•"))
    Book(path, _title_of(blocks)).build(story)


def write_docx(path: Path, blocks: Sequence[Block]) -> None:
    document: Docx = docx.Document()
    document.core_properties.title = _title_of(blocks)
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
        elif isinstance(block[0], int):
            document.add_heading(str(block[1]), block[0])
        else:
            for item in block:
                document.add_paragraph(str(item), style="List Bullet")
    document.save(str(path))


def _title_of(blocks: Sequence[Block]) -> str:
    return str(blocks[0][1])


if __name__ == "__main__":
    write_pdf(HERE / "views.pdf", VIEWS)
    write_docx(HERE / "charts.docx", CHARTS)
