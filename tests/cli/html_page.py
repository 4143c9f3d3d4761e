"""An HTML page as a browser would read it."""

import html.parser


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: tags, and text in which entities are resolved."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self._open, self.balanced = [], [], "", [], True
        self.feed(text)
        self.close()
        self.balanced = self.balanced and not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        self.balanced = self.balanced and bool(self._open) and self._open.pop() == tag

    def handle_data(self, data):
        self.text += data
